import { InvariantError } from '#base/assert.ts'
import type { Log, LogFields } from '#base/log.ts'
import { Trouble } from '#base/trouble.ts'
import type { Clock } from '#host/clock.ts'
import type { Random } from '#host/random.ts'
import { together } from '#store/collection.ts'
import type { CommitResult, Op, Store } from '#store/store.ts'
import type { FlowDefinition, FlowFacts, Next } from '../flow.ts'
import { LAST_RESORT_FAILURES_MAX, STEP_CONFLICTS_MAX } from '../limits.ts'
import { CLAIM_KEY, type Claim } from './claim.ts'
import { rowKey, subjectKey, type FlowRow } from './row.ts'
import { adopt, type Task } from './task.ts'
import { backoffMs, transition, type Move, type StepResult } from './transition.ts'

export interface StepperParts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly claim: Claim
  readonly contextOf: (facts: FlowFacts<unknown>, definition: FlowDefinition) => unknown
  readonly crashPoint: ((name: string) => void) | undefined
}

/** What came of running a flow's step once. */
export type Verdict =
  | Move['then']
  /** The row is not there any more: another flow has taken the subject. */
  | { readonly is: 'gone' }
  /** Another runner has the claim. */
  | { readonly is: 'unclaimed' }

/** Runs one step of one flow and commits what it decided, in one transaction with the flow's row. */
export class Stepper {
  private readonly parts: StepperParts

  constructor(parts: StepperParts) {
    this.parts = parts
  }

  async advance(task: Task): Promise<Verdict> {
    task.woken = false
    try {
      if (task.isStale && !(await this.reload(task))) return { is: 'gone' }
    } catch (error) {
      return this.afterStoreThrew(task, error)
    }
    const point = `${task.row.name}.${task.row.step}`
    this.parts.crashPoint?.(`${point}.before`)
    const result = await this.call(task)
    this.parts.crashPoint?.(`${point}.after`)
    const verdict = await this.settle(task, result)
    this.parts.crashPoint?.(`${point}.committed`)
    return verdict
  }

  private async call(task: Task): Promise<StepResult> {
    const { row, definition } = task
    task.runningSince = this.parts.clock.monotonic()
    try {
      const step = definition.steps[row.step]! as (context: unknown) => Promise<Next<string>>
      return { returned: await step(this.parts.contextOf(factsOf(row, this.spentMs(task)), definition)) }
    } catch (error) {
      return { threw: error }
    }
  }

  private spentMs({ row, spendingSince }: Task): number {
    return row.spentMs + this.parts.clock.monotonic() - spendingSince
  }

  private async settle(task: Task, result: StepResult): Promise<Verdict> {
    const { clock, random } = this.parts
    const { row, definition } = task
    const spentMs = this.spentMs(task)
    const jitter = random.bytes(1)[0]! / 256
    const move = transition({ row, definition, spentMs, now: clock.now(), jitter }, result)
    this.report(task, result, move)
    if (move.row === row) return move.then
    let committed: CommitResult
    try {
      committed = await this.commit(task, move)
    } catch (error) {
      return this.afterStoreThrew(task, error)
    }
    if (!committed.committed) return this.afterConflict(task, committed.conflicts)
    task.conflicts = 0
    task.troubles = 0
    if (move.row) adopt(task, move.row, committed.revision, clock.monotonic())
    return move.then
  }

  private async commit(task: Task, move: Move): Promise<CommitResult> {
    const claimed = this.parts.claim.compare
    if (!claimed) return { committed: false, revision: 0, conflicts: [CLAIM_KEY] }
    const { id, subject } = task.row
    const own: Op[] = move.row
      ? [{ op: 'put', key: rowKey(id), value: JSON.stringify(move.row) }]
      : [
          { op: 'delete', key: rowKey(id) },
          { op: 'delete', key: subjectKey(subject) },
        ]
    const { compares, ops } = together(...move.writes)
    const guards = [{ key: rowKey(id), modRevision: task.revision }, claimed]
    // The step's operations last: its final one may hand the subject over to another flow.
    return this.parts.store.commit([...guards, ...compares], [...own, ...ops])
  }

  private async afterConflict(task: Task, conflicts: readonly string[]): Promise<Verdict> {
    if (conflicts.includes(CLAIM_KEY)) {
      task.isStale = true
      return { is: 'unclaimed' }
    }
    if (conflicts.includes(rowKey(task.row.id))) {
      task.isStale = true
      return { is: 'again' }
    }
    // Something that the step read has changed since: it decides again, on what is there now.
    if (++task.conflicts <= STEP_CONFLICTS_MAX) return { is: 'again' }
    task.conflicts = 0
    const threw = new Error(`${STEP_CONFLICTS_MAX} conflicts in a row, the last one on ${conflicts.join(', ')}`)
    return this.settle(task, { threw })
  }

  private async afterStoreThrew(task: Task, error: unknown): Promise<Verdict> {
    if (error instanceof InvariantError) throw error
    // The store does not take such writes, and will not the next time: a fault of the step.
    if (error instanceof TypeError || error instanceof RangeError) return this.settle(task, { threw: error })
    // Unknown outcome: look what is there before the step runs again.
    task.isStale = true
    task.troubles++
    this.parts.log.error({ ...fieldsOf(task), error }, 'cannot commit a step')
    return { is: 'sleep', ms: backoffMs(task.troubles, this.parts.random.bytes(1)[0]! / 256), isWakeable: false }
  }

  /** False when the row is gone. */
  private async reload(task: Task): Promise<boolean> {
    const entry = await this.parts.store.get(rowKey(task.row.id))
    if (!entry) return false
    if (entry.modRevision === task.revision) task.isStale = false
    else adopt(task, JSON.parse(entry.value) as FlowRow, entry.modRevision, this.parts.clock.monotonic())
    return true
  }

  private report(task: Task, result: StepResult, move: Move): void {
    const { log } = this.parts
    const fields = fieldsOf(task)
    if (move.exhaustedBy !== undefined) {
      log.warn({ ...fields, because: move.exhaustedBy, next: move.row?.step }, 'a flow gives up its step')
    } else if ('threw' in result) {
      const failure = { ...fields, error: result.threw, failures: move.row?.failures }
      const isHopeless = task.row.isLastResort && task.row.failures >= LAST_RESORT_FAILURES_MAX
      if (isHopeless) log.error(failure, 'the last resort of a flow fails again and again')
      else if (result.threw instanceof Trouble) log.info(failure, 'a step failed and will be tried again')
      else log.warn(failure, 'a step failed unexpectedly and will be tried again')
    } else if (move.then.is === 'ended') {
      log.info({ ...fields, outcome: move.then.outcome }, 'a flow ended')
    } else if (move.row !== task.row) {
      log.debug({ ...fields, next: move.row?.step }, 'a step ran')
    }
  }
}

function fieldsOf({ row: { id, name, subject, step } }: Task): LogFields {
  return { flow: id, flowName: name, subject, step }
}

function factsOf(row: FlowRow, spentMs: number): FlowFacts<unknown> {
  const { id, input, subject, startedAt, enteredAt, failures, lastError } = row
  return { flowId: id, input, subject, startedAt, enteredAt, spentMs, failures, lastError }
}
