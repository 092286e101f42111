/** What may be asked of backtracks. Pure. AWS: Aurora user guide, "Backtracking an Aurora DB cluster"; RDS API reference. */
import { HOUR_MS, SECOND_MS } from '#base/durations.ts'
import type { RestoreWindow } from '../automated-backup/window.ts'
import { invalidClusterState } from '../db-cluster/faults.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'

/** In seconds: 72 hours. */
const WINDOW_S_MAX = (72 * HOUR_MS) / SECOND_MS

/** As a request has it. Zero is as good as nothing. */
export function requireBacktrackWindow(seconds: number): number {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > WINDOW_S_MAX)
    throw invalidValue(`Invalid BacktrackWindow: ${seconds}. Must be between 0 and ${WINDOW_S_MAX}.`)
  return seconds
}

/** As a modification has it: who has none can have none, also who had one once. */
export function changeBacktrackWindow(id: string, asked: number | undefined, now = 0): number {
  if (asked === undefined) return now
  const seconds = requireBacktrackWindow(asked)
  if (now === 0 && seconds > 0)
    throw invalidCombination(
      `Backtrack cannot be enabled for DB cluster ${id}: it is enabled when a cluster is created, and once it was disabled there is no way back.`,
    )
  return seconds
}

interface Backtrackable {
  readonly id: string
  /** In seconds. */
  readonly backtrackWindow?: number | undefined
}

/** From when on a cluster can be backtracked to, in milliseconds since the epoch. Undefined: not at all, or not yet. */
export function earliestBacktrack(
  { backtrackWindow = 0 }: Backtrackable,
  restorable: RestoreWindow | undefined,
  now: number,
): number | undefined {
  if (backtrackWindow === 0 || !restorable) return undefined
  return Math.max(restorable.from, now - backtrackWindow * SECOND_MS)
}

interface Asked {
  readonly BacktrackTo: Date
  readonly UseEarliestTimeOnPointInTimeUnavailable?: boolean | undefined
}

/** The time that a request names, in milliseconds since the epoch. */
export function requireBacktrackTime(
  cluster: Backtrackable,
  { BacktrackTo, UseEarliestTimeOnPointInTimeUnavailable: orEarliest = false }: Asked,
  { now, restorable }: { readonly now: number; readonly restorable: RestoreWindow | undefined },
): number {
  if (!cluster.backtrackWindow) throw invalidClusterState(`Backtrack is not enabled for DB cluster ${cluster.id}.`)
  const time = BacktrackTo.getTime()
  if (!(time <= now))
    throw invalidValue(`Invalid BacktrackTo: ${String(BacktrackTo.toJSON())}. It cannot be a time in the future.`)
  const earliest = earliestBacktrack(cluster, restorable, now)
  if (earliest === undefined)
    throw invalidClusterState(`DB cluster ${cluster.id} has nothing to be backtracked to yet.`)
  if (time >= earliest) return time
  if (orEarliest) return earliest
  throw invalidValue(
    `DB cluster ${cluster.id} cannot be backtracked to ${BacktrackTo.toISOString()}: the earliest time is ${new Date(earliest).toISOString()}.`,
  )
}
