/**
 * Whole lives of flows under crashes: random flows run, the process dies at random points, another begins on the same
 * store. The history is judged, not the code.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { HOUR_MS } from '#base/durations.ts'
import { memoryLog } from '#base/memory-log.ts'
import { Trouble } from '#base/trouble.ts'
import type { Clock } from '#host/clock.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { memoryStore } from '#store/memory-store.ts'
import type { LeaseId, Store } from '#store/store.ts'
import { done, flow, go, wait, type FlowDefinition } from '../flow.ts'
import { createFlowRunner, type FlowRunner } from '../runner.ts'
import { putting, seededRandom, type Facts } from './fixture.ts'

const NEVER = new Promise<never>(() => {})

/** A process that can die: from then on nothing it does arrives, and nothing reaches it. */
class Mortal {
  isDead = false
  private readonly leases: LeaseId[] = []
  readonly store: Store
  readonly clock: Clock
  private readonly world: { store: Store; clock: Clock }

  constructor(world: { store: Store; clock: Clock }) {
    this.world = world
    const alive = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        if (this.isDead) return NEVER
        const result = await call(...args)
        return this.isDead ? NEVER : result
      }
    }
    const { store, clock } = world
    this.store = {
      durable: true,
      get: alive((key) => store.get(key)),
      range: alive((...args: Parameters<Store['range']>) => store.range(...args)),
      commit: alive((...args: Parameters<Store['commit']>) => store.commit(...args)),
      watch: (prefix, after, on) => store.watch(prefix, after, (changes) => (this.isDead ? undefined : on(changes))),
      grantLease: alive(async (ttlMs: number) => {
        const lease = await store.grantLease(ttlMs)
        this.leases.push(lease)
        return lease
      }),
      renewLease: alive((lease) => store.renewLease(lease)),
      revokeLease: alive((lease) => store.revokeLease(lease)),
      close: async () => {},
    }
    this.clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms, run) => clock.after(ms, () => (this.isDead ? undefined : run())),
      sleep: alive((ms: number, signal?: AbortSignal) => clock.sleep(ms, signal)),
    }
  }

  /** As with SQLite: who opens the store next finds the leases of the dead gone. */
  async bury(): Promise<void> {
    for (const lease of this.leases) await this.world.store.revokeLease(lease)
  }
}

interface Started {
  readonly id: string
  readonly length: number
}

interface Plan {
  readonly seed: number
  /** Length of each flow, one flow a subject. */
  readonly flows: readonly number[]
  /** Passages of a crash point between one death and the next. */
  readonly deaths: readonly number[]
  /** Subjects whose flow is superseded, and the number of commits before that. */
  readonly superseded: readonly { readonly subject: number; readonly afterCommits: number }[]
}

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  flows: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 }),
  deaths: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 12 }),
  superseded: fc.array(fc.record({ subject: fc.nat(7), afterCommits: fc.nat(30) }), { maxLength: 3 }),
})

/** Steps 0 … n-1 in order; each throws, waits or goes on as the dice say, and leaves a trace under a key of its own. */
function walker(dice: () => number, runningNow: Map<string, number>): FlowDefinition<Facts> {
  const steps: Record<string, (facts: Facts) => Promise<ReturnType<typeof go>>> = {}
  for (let at = 0; at < 6; at++) {
    steps[`s${at}`] = async ({ flowId, subject, input }) => {
      assert.equal(runningNow.get(subject) ?? 0, 0, `one step of ${subject} at a time`)
      runningNow.set(subject, 1)
      const roll = dice()
      if (roll < 30) await new Promise((resolve) => setImmediate(resolve))
      runningNow.set(subject, 0)
      if (roll < 20) throw new Trouble('the dice', { culprit: 'peer', retryable: true })
      if (roll < 50) return wait({ timeoutMs: 1_000 })
      // A trace is only ever made, never replaced: a second one would conflict for ever.
      const key = `trace/${flowId}/${at}`
      const trace = { compares: [{ key, modRevision: 0 }], ops: putting(key, subject).ops }
      const { length } = input as { length: number }
      return at + 1 < length ? go(`s${at + 1}`, trace) : done('walked', trace)
    }
  }
  return flow<Facts, string>('walker', { exhausted: 's0', policy: { attemptsMax: 1_000, deadlineMs: HOUR_MS } }, steps)
}

/** Runs the plan and returns the world as it is in the end. */
async function live(plan: Plan): Promise<{ store: Store; started: Started[][] }> {
  const clock = new SimulatedClock()
  const store = memoryStore(clock)
  const random = seededRandom(plan.seed)
  const dice = (): number => random.bytes(1)[0]!
  const deaths = [...plan.deaths]
  let passages = 0
  let mortal!: Mortal
  let runner!: FlowRunner
  const runnerOf = (world: { store: Store; clock: Clock }, crashPoint: () => void): FlowRunner =>
    createFlowRunner({
      ...{ store: world.store, clock: world.clock, random, log: memoryLog(), crashPoint },
      definitions: [walker(dice, new Map())],
      contextOf: (facts) => facts,
    })
  // Not awaited: it may die on the way.
  const rise = (): void => {
    const self = (mortal = new Mortal({ store, clock }))
    runner = runnerOf(self, () => {
      if (self.isDead || deaths.length === 0 || ++passages < deaths[0]!) return
      deaths.shift()
      passages = 0
      self.isDead = true
    })
    void runner.run()
  }
  // Starts flows, runs none, never dies.
  const control = runnerOf({ store, clock }, () => {})
  rise()
  const started = plan.flows.map((): Started[] => [])
  for (const [subject, length] of plan.flows.entries()) {
    const { id, writes } = control.start('walker', `thing/${subject}`, { length })
    await store.commit(writes.compares, writes.ops)
    started[subject]!.push({ id, length })
  }
  const toSupersede = [...plan.superseded]
  for (let round = 0; round < 400; round++) {
    await clock.advance(500)
    if (mortal.isDead) {
      await mortal.bury()
      rise()
      continue
    }
    const { revision } = await store.range('nothing')
    const next = toSupersede.findIndex((s) => s.afterCommits <= revision)
    if (next >= 0) {
      const [{ subject } = { subject: 0 }] = toSupersede.splice(next, 1)
      const { id, writes } = await control.supersede('walker', `thing/${subject}`, { length: 2 })
      const result = await store.commit(writes.compares, writes.ops)
      if (result.committed) (started[subject] ??= []).push({ id, length: 2 })
    }
    if ((await store.range('flow/')).entries.length === 0 && toSupersede.length === 0) break
  }
  await runner.halt()
  return { store, started }
}

test('whatever crashes, every flow ends, each step commits once and in order, and a superseded flow commits no more', async () => {
  await fc.assert(
    fc.asyncProperty(anyPlan, async (plan) => {
      const { store, started } = await live(plan)
      assert.deepEqual((await store.range('flow')).entries, [], 'no row, no taken subject, no claim is left')
      for (const flows of started.filter(Boolean)) {
        let endedAt = 0
        for (const [nth, { id, length }] of flows.entries()) {
          const { entries } = await store.range(`trace/${id}/`)
          const isLast = nth === flows.length - 1
          if (isLast) assert.equal(entries.length, length, 'the last flow of a subject walks to its end')
          for (const [at, entry] of entries.entries()) {
            assert.equal(entry.key, `trace/${id}/${at}`)
            assert.ok(entry.modRevision > endedAt, 'in order, and after everything of the flow before')
            endedAt = entry.modRevision
          }
        }
      }
    }),
    { numRuns: 200 },
  )
})
