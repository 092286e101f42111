import { KIB, MIB } from '#base/bytes.ts'
import { SECOND_MS } from '#base/durations.ts'

/** Connections of readers to one feed. A volume has fifteen readers, and a feed the volumes of a host. */
export const SESSIONS_MAX = 1_000

/** A message of a reader. Its longest are commands and what it says of its password. */
export const MESSAGE_BYTES_MAX = 8 * KIB

/** What a reader may say before it was listened to. */
export const UNHEARD_BYTES_MAX = 64 * KIB

/** Bytes of the log in one message: what PostgreSQL's own sender puts into one. */
export const PIECE_BYTES_MAX = 128 * KIB

/** Unsent bytes of short messages after which a reader that only asks, and never listens, is left. */
export const UNSENT_BYTES_MAX = MIB

/** Time for a reader to say who it is, and prove it. */
export const OPENING_MS_MAX = 10 * SECOND_MS

/** Time for a reader to do its part of a TLS handshake. */
export const TLS_MS_MAX = 5 * SECOND_MS

/** A reader that has said nothing for so long is asked whether it is there. */
export const SILENCE_ASKED_MS = 10 * SECOND_MS

/** A reader that has said nothing for so long is not there. */
export const SILENCE_MS_MAX = 30 * SECOND_MS

/** How long a reader waits here for log that it has seen elsewhere, before it is sent on. */
export const AHEAD_MS_MAX = 5 * SECOND_MS

/** How long a reader that was sent on is refused, so that it takes the next address of its list. */
export const SENT_ON_MS = 2 * SECOND_MS

/** Between two looks at who is silent or late. */
export const LOOK_MS = SECOND_MS

/** Time for a distant feed to answer at all. */
export const FEED_DIAL_MS_MAX = 5 * SECOND_MS

/** Between two questions of a relay how far its source is: what its lag is known by. */
export const HEARTBEAT_MS = SECOND_MS / 2

/** A relay that has heard nothing of its source for so long takes another of its log nodes. */
export const SOURCE_SILENT_MS_MAX = 5 * SECOND_MS

/** Between a lost connection to a source and the next try, at another of its log nodes. */
export const SOURCE_AGAIN_MS = 100

/** Time for a source to let a relay in and say what it has; the way there may be long. */
export const SOURCE_OPENING_MS_MAX = 20 * SECOND_MS
