import { MIB } from '#base/bytes.ts'
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'

/** Members of one log node. Each holds a spare file of its log, and some descriptors. */
export const MEMBERS_HERE_MAX = 1_000

/** Bytes that a member's log begins with: one segment of PostgreSQL's log, of the largest common size. */
export const SEED_BYTES_MAX = 64 * MIB

/** Time for a caller to do its part of a TLS handshake. */
export const HANDSHAKE_MS_MAX = 10 * SECOND_MS

/** Pause before a port that another process has is tried again: it may be about to leave it. */
export const BIND_PAUSE_MS = 50

/** Positions of members and readers are reported at most this often. */
export const REPORT_EVERY_MS = SECOND_MS

/** How long the end of a process that cannot trust its disk may be put off to write down why. */
export const LAST_WRITE_MS_MAX = 2 * SECOND_MS

/** Without members, and without an agent or with nothing asked by it, the process ends after this long. */
export const IDLE_MS = MINUTE_MS

/** How often a part of a member's log is checked, of one member after the other: half a MiB a second of what is on a host. */
export const SCRUB_EVERY_MS = 500

/** How often readers of volumes whose head is not heard are sent elsewhere. */
export const READERS_LOOK_MS = SECOND_MS
