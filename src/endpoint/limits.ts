import { KIB } from '#base/bytes.ts'
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'

/** Client connections of all routes together; more are turned away. Each takes two descriptors and two small buffers. */
export const CONNECTIONS_MAX = 10_000

/** What a client may say before it is connected to an engine. PostgreSQL's own limit for a startup packet is 10,000 bytes. */
export const OPENING_BYTES_MAX = 64 * KIB

/** Time for a client to say its first bytes: PostgreSQL's authentication_timeout. */
export const OPENING_MS_MAX = MINUTE_MS

/** Pause before targets that refused are tried again, while the client waits. */
export const REFUSED_PAUSE_MS = 100

/** Time for a target to accept a connection. */
export const CONNECT_MS_MAX = 5 * SECOND_MS

/** Time for an engine to take a request to cancel. It hangs up at once when it has. */
export const CANCEL_MS_MAX = 5 * SECOND_MS

/** Pause before a port that another process has is tried again: an engine may be about to leave it. */
export const BIND_PAUSE_MS = 50

/** Changes of counts are reported at most this often. */
export const REPORT_EVERY_MS = SECOND_MS

/** Without routes, and without serve or with nothing asked by it, the process ends after this long. */
export const IDLE_MS = MINUTE_MS

/** Time for the other side to do its part of a TLS handshake. */
export const TLS_MS_MAX = 10 * SECOND_MS

/** Time for a client to hear why its session is ended. */
export const LAST_WORDS_MS_MAX = 5 * SECOND_MS

/** A session whose commit may not be at the standby is held for so long. Serve gives a silent standby up well before. */
export const ASSURANCE_MS_MAX = 5 * SECOND_MS

/** Pause before an engine is asked again. A standby is a millisecond behind, mostly. */
export const ASK_PAUSE_MS = 2

/** Time for an engine to answer one question. */
export const ASK_MS_MAX = 2 * SECOND_MS

/** The gateway's own connection ends when nobody has asked for so long: it keeps its database from being dropped. */
export const ASKING_IDLE_MS = 2 * SECOND_MS
