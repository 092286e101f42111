import type { Revision } from '#store/store.ts'
import type { FlowDefinition } from '../flow.ts'
import type { FlowRow } from './row.ts'

/** A living flow in the memory of the runner. */
export interface Task {
  row: FlowRow
  revision: Revision
  readonly definition: FlowDefinition
  /**
   * ```
   *            ┌──────────────────── woken, or due ──────────────────────┐
   *            ▼                                                         │
   *   ──► ready ──► running ──► sleeping ───────────────────────────────┘
   *         ▲          │
   *         └──────────┘ the claim was lost, or the runner halts
   * ```
   */
  state: 'ready' | 'running' | 'sleeping'
  /** Whether a wake-up ends its sleep. One after a failure is slept out. */
  isWakeable: boolean
  /** Woken while it ran: what it is about to wait for may have happened already. */
  woken: boolean
  /** Latest revision at which somebody was seen to write or delete the row. */
  seenRevision: Revision
  /** The row in the store may be another: the outcome of a commit is unknown, or somebody else wrote it. */
  isStale: boolean
  /** Commits in a row that met other writers. */
  conflicts: number
  /** Commits in a row whose outcome is unknown. */
  troubles: number
  /** On the monotonic clock: since when the row's `spentMs` grows. */
  spendingSince: number
  /** On the monotonic clock: when the running step was called. */
  runningSince: number
}

export function taskOf(row: FlowRow, revision: Revision, definition: FlowDefinition, monotonic: number): Task {
  return {
    row,
    revision,
    definition,
    state: 'ready',
    isWakeable: true,
    woken: false,
    seenRevision: revision,
    isStale: false,
    conflicts: 0,
    troubles: 0,
    spendingSince: monotonic,
    runningSince: monotonic,
  }
}

/** Takes over what the store holds now. */
export function adopt(task: Task, row: FlowRow, revision: Revision, monotonic: number): void {
  task.row = row
  task.revision = revision
  task.spendingSince = monotonic
  task.isStale = false
}
