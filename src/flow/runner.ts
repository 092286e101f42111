/**
 * The runtime of flows: finds living flows in the store, runs their steps, and is the {@link Flows} door for control.
 * Knows no resource: what steps work on comes through `contextOf`.
 *
 * ```
 *   store ──rows──► runner ──tasks──► Scheduler (who runs when) ──► Stepper (one step, one commit) ──► store
 *                     ▲                                                            │
 *                     └── Claim: only one runner of a store runs steps ◄───────────┘
 * ```
 */
import { assert } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { Random } from '#host/random.ts'
import type { Mutation } from '#store/collection.ts'
import { CompactedError, type Change, type Op, type Revision, type Store, type Watch } from '#store/store.ts'
import type { FlowDefinition, FlowFacts } from './flow.ts'
import type { Flows, FlowView } from './flows.ts'
import { HALT_PATIENCE_MS } from './limits.ts'
import { Claim } from './run/claim.ts'
import { Outcomes } from './run/outcomes.ts'
import { birth, ROW_PREFIX, rowKey, subjectKey, viewOf, type FlowRow } from './run/row.ts'
import { Scheduler } from './run/scheduler.ts'
import { Stepper } from './run/stepper.ts'
import { adopt, taskOf, type Task } from './run/task.ts'

export interface FlowRunnerOptions {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly definitions: readonly FlowDefinition[]
  /** What a step of this definition is called with. */
  readonly contextOf: (facts: FlowFacts<unknown>, definition: FlowDefinition) => unknown
  /**
   * Called at `<flow>.<step>.before`, `.after` (the step ran, nothing is committed) and `.committed`. For tests that
   * kill the process there.
   */
  readonly crashPoint?: (name: string) => void
}

export interface FlowRunner extends Flows {
  /** Looks at every living flow, and runs them from now on. */
  run(): Promise<void>
  /** Starts no further step, waits a little for the running ones, and leaves the flows to the next runner. */
  halt(): Promise<void>
}

/** Outcome of a flow whose subject another one took, or that was removed. */
export const SUPERSEDED = 'superseded'
/** Outcome of a flow that ended before this process began, or so long ago that it is forgotten. */
export const OUTCOME_UNKNOWN = 'unknown'

export function createFlowRunner(options: FlowRunnerOptions): FlowRunner {
  return new Runner(options)
}

class Runner implements FlowRunner {
  private readonly options: FlowRunnerOptions
  private readonly definitions: ReadonlyMap<string, FlowDefinition>
  private readonly outcomes = new Outcomes()
  private readonly claim: Claim
  private readonly scheduler: Scheduler
  private watch: Watch | undefined

  constructor(options: FlowRunnerOptions) {
    this.options = options
    this.definitions = new Map(options.definitions.map((d) => [d.name, d]))
    assert(this.definitions.size === options.definitions.length, 'flow names are unique')
    const { store, clock, random, log, contextOf, crashPoint } = options
    this.claim = new Claim({ store, clock, log, owner: random.uuid() }, () => {
      this.scheduler.resume()
      this.scheduler.checkRunning()
    })
    const stepper = new Stepper({ store, clock, random, log, contextOf, crashPoint, claim: this.claim })
    this.scheduler = new Scheduler({
      clock,
      log,
      advance: (task) => stepper.advance(task),
      onEnded: ({ row }, outcome) => this.outcomes.settle(row.id, outcome ?? SUPERSEDED),
      onUnclaimed: () => void this.claim.lost(),
    })
  }

  async run(): Promise<void> {
    await this.load()
    await this.claim.take()
  }

  async halt(): Promise<void> {
    this.watch?.close()
    const patience = new AbortController()
    const paused = this.scheduler.pause().then(() => patience.abort())
    await Promise.race([paused, this.options.clock.sleep(HALT_PATIENCE_MS, patience.signal).catch(() => {})])
    await this.claim.release()
  }

  start(name: string, subject: string, input: unknown): { id: string; writes: Mutation } {
    const row = this.newRow(name, subject, input)
    const { compares, ops } = birth(row)
    return { id: row.id, writes: { compares: [{ key: subjectKey(subject), modRevision: 0 }, ...compares], ops } }
  }

  async supersede(name: string, subject: string, input: unknown): Promise<{ id: string; writes: Mutation }> {
    const held = await this.options.store.get(subjectKey(subject))
    if (!held) return this.start(name, subject, input)
    const row = this.newRow(name, subject, input)
    const { compares, ops } = birth(row)
    // The old row may be written until this commits; that the subject is still its own is what counts.
    const guard = { key: held.key, modRevision: held.modRevision }
    const removal = { op: 'delete', key: rowKey(held.value) } as const
    return { id: row.id, writes: { compares: [guard, ...compares], ops: [removal, ...ops] } }
  }

  removal(flowId: string, subject: string): Op[] {
    return [
      { op: 'delete', key: rowKey(flowId) },
      { op: 'delete', key: subjectKey(subject) },
    ]
  }

  async of(subject: string): Promise<FlowView | undefined> {
    const held = await this.options.store.get(subjectKey(subject))
    const entry = held && (await this.options.store.get(rowKey(held.value)))
    return entry && viewOf(JSON.parse(entry.value) as FlowRow)
  }

  async list(): Promise<FlowView[]> {
    const { entries } = await this.options.store.range(ROW_PREFIX)
    return entries.map((e) => viewOf(JSON.parse(e.value) as FlowRow))
  }

  wake(flowId: string): void {
    const task = this.scheduler.get(flowId)
    if (task) this.scheduler.wake(task)
  }

  wakeSubjects(prefix: string): void {
    this.scheduler.wakeSubjects(prefix)
  }

  async ended(flowId: string): Promise<string> {
    const outcome = this.outcomes.of(flowId)
    if (outcome !== undefined) return outcome
    const told = this.outcomes.wait(flowId)
    const exists = (await this.options.store.get(rowKey(flowId))) !== undefined
    // A task without a row is about to settle.
    if (!exists && !this.scheduler.get(flowId)) this.outcomes.tell(flowId, OUTCOME_UNKNOWN)
    return told
  }

  private newRow(name: string, subject: string, input: unknown): FlowRow {
    const definition = this.definitions.get(name)
    assert(definition, `flow ${name} is defined`)
    const now = this.options.clock.now()
    return {
      id: this.options.random.uuid(),
      name,
      subject,
      input,
      startedAt: now,
      step: definition.first,
      enteredAt: now,
      spentMs: 0,
      failures: 0,
      isLastResort: false,
    }
  }

  private async load(): Promise<void> {
    const { entries, revision } = await this.options.store.range(ROW_PREFIX)
    for (const entry of entries) this.onRow(JSON.parse(entry.value) as FlowRow, entry.modRevision)
    try {
      this.watch = this.options.store.watch(ROW_PREFIX, revision, (changes) => this.onChanges(changes))
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error
      await this.load()
    }
  }

  private onChanges(changes: readonly Change[]): void {
    for (const { key, value, modRevision } of changes) {
      if (value === undefined) this.onRowGone(key.slice(ROW_PREFIX.length), modRevision)
      else this.onRow(JSON.parse(value) as FlowRow, modRevision)
    }
  }

  /** A new flow, or a row that somebody wrote; mostly this runner itself, which knows. */
  private onRow(row: FlowRow, modRevision: Revision): void {
    const task = this.scheduler.get(row.id)
    if (!task) return this.addTask(row, modRevision)
    if (modRevision <= task.revision) return
    task.seenRevision = modRevision
    if (task.state === 'running') return
    adopt(task, row, modRevision, this.options.clock.monotonic())
    this.scheduler.makeReady(task)
  }

  private onRowGone(flowId: string, modRevision: Revision): void {
    const task = this.scheduler.get(flowId)
    if (!task) return
    task.seenRevision = modRevision
    // A running one finds out by itself, by then with the outcome if it was its own doing.
    if (task.state === 'running') return
    this.scheduler.remove(task)
    this.outcomes.settle(flowId, SUPERSEDED)
  }

  private addTask(row: FlowRow, revision: Revision): void {
    const definition = this.definitions.get(row.name)
    if (!definition || !Object.hasOwn(definition.steps, row.step)) {
      const fields = { flow: row.id, flowName: row.name, subject: row.subject, step: row.step }
      this.options.log.error(fields, 'a flow is at a step that this version does not have; it stays as it is')
      return
    }
    const task: Task = taskOf(row, revision, definition, this.options.clock.monotonic())
    this.scheduler.add(task)
  }
}
