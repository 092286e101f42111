import { MIB } from '#base/bytes.ts'
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'

/** Jobs that run at once on one host; more wait. Each may copy a data volume or start an engine. */
export const JOBS_AT_ONCE = 8

/** Jobs in the table, ended ones that nobody has dropped yet included. More are refused until some are dropped. */
export const JOBS_MAX = 10_000

/** Jobs that one transaction drops: a store bounds how much one may change. */
export const DROPPED_AT_ONCE = 500

/** Engines that are adopted, revived or stopped at once, apart from jobs. */
export const ENGINES_AT_ONCE = 8

/** How often engines are asked whether they accept connections. */
export const PROBE_EVERY_MS = 5 * SECOND_MS

/** The same for engines that take part in replication, where another copy may have to take over, or have consumers. */
export const REPLICATION_LOOK_MS = SECOND_MS

/** How often the agent looks which engines are due to be asked. */
export const PROBE_TICK_MS = 500

/** A tick that comes later than this finds the machine so busy that no missing answer counts. */
export const PUNCTUAL_MS = SECOND_MS

/** Answers in a row that an engine may owe before it counts as silent. Each is waited for as long as a connection may take. */
export const MISSES_MAX = 2

/** A standby that still receives its source's log after this is restarted, so that it does not. */
export const SEAL_MS_MAX = 5 * SECOND_MS

/** How long commits may wait for a standby that has just become synchronous. */
export const SYNCHRONIZE_MS_MAX = 15 * SECOND_MS

/** How long the job that made a standby waits to see it stream. One that is far behind catches up after that. */
export const JOIN_MS_MAX = 5 * SECOND_MS

/** How often a starting engine that was adopted is asked whether it accepts connections by now. */
export const STARTING_PROBE_MS = 100

/** Pauses before an engine that died is started again; the last one is kept for ever. */
export const REVIVAL_PAUSES_MS = [0, SECOND_MS, 2 * SECOND_MS, 5 * SECOND_MS, 15 * SECOND_MS, MINUTE_MS] as const

/** The same where the disk is full: an attempt ends at its first write, and room is to be noticed. */
export const FULL_PAUSE_MS_MAX = 5 * SECOND_MS

/** Attempts in a row after which an instance counts as failed. It is still tried again, at the slowest pace. */
export const QUICK_DEATHS_MAX = 5

/** An engine that lived longer than this had not failed to start: its death begins a new count. */
export const STABLE_AFTER_MS = MINUTE_MS

/** Time an engine gets for each mode of stopping before the next harder one. */
export const STOP_PATIENCE_MS = 20 * SECOND_MS

/** Pause before the end of a job is written again after the store refused it. */
export const RECORD_AGAIN_MS = 2 * SECOND_MS

/** Pauses before serve is dialled again. Short at first: an agent waits for serve's restart. */
export const REDIAL_PAUSES_MS = [20, 50, 100, 250] as const

/** Unsent bytes to serve after which the connection is given up: serve does not read any more. */
export const UNSENT_BYTES_MAX = 32 * 1_024 * 1_024

/** An agent without engines, jobs and serve ends after this long; serve starts another when it needs one. */
export const IDLE_MS = MINUTE_MS

/** Pauses before a head that died alone is started again; the last one is kept for ever. Commits wait meanwhile. */
export const HEAD_PAUSES_MS = [0, 100, 500, 2 * SECOND_MS] as const

/** How often it is tried to reach a head that was just started: its process has to come up. */
export const HEAD_DIAL_LOOK_MS = 20

/** Time in which a head that was reached says who it is. */
export const HEAD_GREETING_MS_MAX = 5 * SECOND_MS

/** How often engines are measured, and the part of the time that measuring may take where there are many of them. */
export const MEASURE_EVERY_MS = 5 * SECOND_MS
export const MEASURE_SHARE_MAX = 0.05

/** Minutes of each instance that are kept for serve. It reads them every few seconds, unless it is away. */
export const MINUTES_KEPT_MAX = 180

/** Minutes of instances in one answer: some 2 KB each, far below the longest message. */
export const MINUTES_TOLD_MAX = 1_000
/** A portion of the log is archived at the latest so long after its first byte came: what a lost host may lose. */
export const PORTION_MS_MAX = SECOND_MS

/** Log that waits for the archive; when there is more, the engine has to wait, which it does on its own disk. */
export const WAITING_LOG_BYTES_MAX = 32 * MIB

/** How often the engine is asked how far its log goes, and told how much of it is safe. */
export const LOG_LOOK_MS = SECOND_MS

/** Pauses before the log is read again after an engine or an archive did not answer; the last one is kept for ever. */
export const LOG_AGAIN_PAUSES_MS = [200, SECOND_MS, 2 * SECOND_MS, 5 * SECOND_MS] as const

/** Portions of the log that a restore reads ahead of what it writes, each up to 16 MiB in memory. */
export const LOG_PORTIONS_AHEAD = 4
/** What may be on its way on one connection to a distant source, in each direction; whoever sends more waits. */
export const LINK_BYTES_MAX = 16 * MIB

/** Time for a distant source's host to accept a connection. */
export const LINK_DIAL_MS_MAX = 5 * SECOND_MS

/** Pause before the port of a way to a distant source is tried again. */
export const LINK_BIND_PAUSE_MS = 200

/** How often the storage of an instance is looked at that has little of it left, and of one that has none, or soon. */
export const GUARD_EVERY_MS = SECOND_MS
export const GUARD_URGENT_EVERY_MS = 250

/** Storage that lasts no longer than this, as it is written now, is soon full. Twice the time between ordinary looks. */
export const RUSH_MS = 2 * MEASURE_EVERY_MS

/** Segments that a standby which catches up is given before it has applied them: they take room on its storage. */
export const CATCH_UP_AHEAD_SEGMENTS = 16

/** How often it is asked how far it is. It dials its source twice a second. */
export const CATCH_UP_LOOK_MS = 500

/** Looks in a row at which nothing goes on. Looks, not time: on a machine that stalls nothing goes on either. */
export const CATCH_UP_IDLE_LOOKS_MAX = 16

/** How long one job of this kind may keep others from the instance. The next one goes on where it ended. */
export const CATCH_UP_MS_MAX = 20 * SECOND_MS

/** How often a log node is dialled that does not answer. */
export const LOGNODE_DIAL_MS = 50

/** Pauses before a log node that does not answer is started again; the last one is kept for ever. */
export const LOGNODE_LAUNCH_PAUSES_MS = [2 * SECOND_MS, 2 * SECOND_MS, 5 * SECOND_MS] as const

/** How often a log node is asked for a word, and at how many looks in a row without one its process is replaced. Its heads leave it a little later. */
export const LOGNODE_LOOK_MS = SECOND_MS
export const LOGNODE_MISSES_MAX = 5

/** Time for a log node to come up, which reads what its members have, or to end. */
export const LOGNODE_PATIENCE_MS = MINUTE_MS

/** Time for a log node to do what it was asked for. Making a member writes two files of its log. */
export const LOGNODE_REPLY_MS_MAX = MINUTE_MS
