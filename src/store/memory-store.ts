/** A store without a disk: for tests and simulations. Not durable. */
import type { Clock } from '#host/clock.ts'
import { LocalStore } from './local/local-store.ts'
import { MemoryTable } from './memory/memory-table.ts'
import type { Store } from './store.ts'

export function memoryStore(clock: Clock): Store {
  return new LocalStore(new MemoryTable(), clock)
}
