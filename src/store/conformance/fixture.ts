import type { TestContext } from 'node:test'
import type { SimulatedClock } from '#host/simulated-clock.ts'
import type { Op, Store } from '../store.ts'

/** Opens an empty store that ends with the test. */
export type OpenStore = (t: TestContext, clock: SimulatedClock) => Promise<Store>

export type SetUp = (t: TestContext) => Promise<{ store: Store; clock: SimulatedClock }>

export const put = (key: string, value = 'v', lease?: string): Op => ({
  op: 'put',
  key,
  value,
  ...(lease && { lease }),
})

/** Long enough for every watcher to have been called. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
