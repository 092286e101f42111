import { DAY_MS, MINUTE_MS, SECOND_MS } from '#base/durations.ts'
import { KIB } from '#base/bytes.ts'

/** How often a starting engine's lock file is looked at, at first: an ordinary start takes 50 ms in all. */
export const READY_LOOK_MS_MIN = 4

/** And later, when it recovers from a crash and that takes long. */
export const READY_LOOK_MS_MAX = 50

/** A connection to an engine over its Unix socket. Either it answers at once, or it has no connection to give. */
export const CONNECT_MS_MAX = 5 * SECOND_MS

/** How often the feeds of a volume's log nodes are compared while one of them is read. */
export const FEED_COMPARE_MS = 10 * SECOND_MS

/** A statement of ours. The longest copies a database; what waits for a lock of a user must end. */
export const STATEMENT_MS_MAX = 5 * MINUTE_MS

/** A statement of the prober: an engine that takes longer to say 1 does not serve. */
export const PROBE_STATEMENT_MS_MAX = 3 * SECOND_MS

/** The statement that measures. One that takes longer is a sign of trouble, and tells less than the rest. */
export const MEASURE_STATEMENT_MS_MAX = 3 * SECOND_MS

/** How often, and how long, a reload is waited for. The postmaster reads a small file. */
export const RELOAD_LOOK_MS = 5
export const RELOAD_MS_MAX = 10 * SECOND_MS

/** What is read of an engine's last words to find out why it ended. */
export const LAST_WORDS_BYTES_MAX = 64 * KIB

/** The log's writer is a process of its own and may end a little after the engine. */
export const LAST_WORDS_MS_MAX = SECOND_MS
export const LAST_WORDS_LOOK_MS = 20

/** Message of a failure, for a person: a few lines of log. */
export const FAILURE_TEXT_CHARS_MAX = 1_000

/** RDS keeps log files for three days. */
export const LOG_KEPT_MS = 3 * DAY_MS

/** Tries to read pg_control, which a running engine overwrites as one sector, with a checksum that fits. */
export const CONTROL_FILE_TRIES_MAX = 10

/** A template's server has next to nothing to write when it stops. */
export const TEMPLATE_STOP_MS_MAX = 30 * SECOND_MS

/** A promotion: the standby applies what it has received, which is never much while it streams. */
export const PROMOTION_S_MAX = 300

/** How long a source may take to answer the first byte. A loaded machine is slow; a stopped process is silent. */
export const SOURCE_ANSWER_MS_MAX = 3 * SECOND_MS

/** How often a primary is asked how far its synchronous standby is. */
export const SYNCHRONOUS_LOOK_MS = 10

/** Between two looks whether a standby still receives something. */
export const SEALED_LOOK_MS = 20

/** How often, and how many times, it is tried to drop a slot whose sender has been told to end. Some seconds in all. */
export const SLOT_LOOK_MS = 20
export const SLOT_LOOKS_MAX = 200

/** Between two looks whether the engine that makes an image has come as far as it is to. */
export const IMAGE_LOOK_MS = 50

/** Between two looks how far a reader is that is to become the writer: every commit of its cluster waits meanwhile. */
export const LEAD_LOOK_MS = 2
