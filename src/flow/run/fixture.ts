/** What the tests of the runtime share: a runner on a memory store, under a clock that they move. */
import type { TestContext } from 'node:test'
import { memoryLog } from '#base/memory-log.ts'
import type { Random } from '#host/random.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { memoryStore } from '#store/memory-store.ts'
import type { Mutation } from '#store/collection.ts'
import type { Store } from '#store/store.ts'
import type { FlowDefinition, FlowFacts } from '../flow.ts'
import { createFlowRunner, type FlowRunner } from '../runner.ts'

export type Facts = FlowFacts<unknown>

/** A random port that is the same in every run with the same seed (xorshift32). */
export function seededRandom(seed: number): Random {
  let state = seed || 1
  let ids = 0
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  return {
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => next() & 0xff)),
    uuid: () => `${seed}-${++ids}`,
  }
}

export const putting = (key: string, value = 'v'): Mutation => ({ compares: [], ops: [{ op: 'put', key, value }] })

export interface Bench {
  readonly store: Store
  readonly clock: SimulatedClock
  readonly log: ReturnType<typeof memoryLog>
  readonly flows: FlowRunner
  /** Commits the start of a flow and gives its id. */
  begin(name: string, subject?: string, input?: unknown): Promise<string>
  /** Lets everything happen that can happen without time passing. */
  settle(): Promise<void>
}

export async function bench(
  t: TestContext,
  definitions: readonly FlowDefinition<Facts>[],
  crashPoint?: (name: string) => void,
): Promise<Bench> {
  const clock = new SimulatedClock()
  const store = memoryStore(clock)
  const log = memoryLog()
  const random = seededRandom(7)
  const flows = createFlowRunner({
    ...{ store, clock, random, log, definitions },
    contextOf: (facts) => facts,
    ...(crashPoint && { crashPoint }),
  })
  await flows.run()
  t.after(() => flows.halt())
  return {
    ...{ store, clock, log, flows },
    async begin(name, subject = 'thing/1', input = {}) {
      const { id, writes } = flows.start(name, subject, input)
      const result = await store.commit(writes.compares, writes.ops)
      if (!result.committed) throw new Error(`flow not started: ${result.conflicts.join()}`)
      return id
    },
    settle: () => clock.advance(0),
  }
}
