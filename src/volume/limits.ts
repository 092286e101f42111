/** Limits of the quorum log, each with its unit and reason. */
import { KIB, MIB } from '#base/bytes.ts'

/** Bytes of one file of a member's log. Large enough that a new one is rare, small enough to be read whole when it is opened. */
export const LOG_FILE_BYTES = 16 * MIB

/** Bytes of log in one frame: what is read again, and checked, for one byte of it. */
export const FRAME_BYTES_MAX = 128 * KIB

/** When a copy that nobody waits for is synced, and word of the durable point is kept. Loses no acknowledged byte, whatever it is. */
export const SYNC_SOON_MS = 20

/** Log that those may lack meanwhile whom nobody waits for: of more they get what there is at once, as it is much. */
export const HELD_BYTES_MAX = 64 * KIB

/** A writer whose log comes at least so often is busy: word of the durable point can mostly go with what comes next. */
export const BUSY_MS = 10

/**
 * How long it waits for that. Readers see what was written no later than this after it is durable, on top of the way to them. A
 * timer may go off a whole millisecond early.
 */
export const TELL_MS = 2

/** How long a head waits for those that have not sealed, once enough have: the more answer, the less has to be repaired. */
export const STRAGGLER_MS = 300

/** A recovery in which no member gets anything for so long is given up: who had the log that was chosen may be gone. */
export const RECOVERY_MS = 3_000

/** Without word from a write quorum for so long, a writer ends: others may have begun an epoch, and its readers would be wrong. */
export const LEASE_MS = 3_000

/** What a head that comes back to its writer has of the lease: enough to find its members again, and no more. */
export const RETURN_MS = 1_000

/** Of the writer's log in a head's memory. Who needs older bytes gets them from a peer. */
export const WINDOW_BYTES_MAX = 64 * MIB

/** Sent to one member and not yet on its disk, while it catches up out of the window. */
export const UNCONFIRMED_BYTES_MAX = 4 * MIB

/** After a member could not take what it was sent, or its repair ended early. */
export const AGAIN_MS = 50

/** Bytes of one answer to a peer that repairs itself. */
export const PIECE_BYTES_MAX = 512 * KIB

/** What is read of a log at once to see that it is what was written: at least a whole frame. */
export const SCRUB_BYTES = 256 * KIB

/** Turns of looking in which a peer that was asked for what is damaged has to answer, before all are asked anew. */
export const MENDING_TURNS_MAX = 40

/** Files of a member whose frames' places are kept in memory: the one that is written and some that readers are in. */
export const PLACED_FILES_MAX = 4

/** Of a volume whose head was not heard for so long others may have more of the log: readers are sent to them. A head pings every second. */
export const UNHEARD_MS_MAX = 10_000

/** Marks of a source's log that a relay waits to reach: minutes of them. */
export const LAG_MARKS_MAX = 600

/** A source that has said nothing for so long is behind by that at least; it is asked twice a second. */
export const SOURCE_SILENCE_MS = 2_000

/** Between the end of a relay's head and the next one of its epoch. */
export const RELAY_AGAIN_MS = 1_000
