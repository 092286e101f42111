import { systemClock } from '#host/clock.ts'
import { openSqliteStore } from '#store/sqlite-store.ts'
import { StoreBusyError, type Store } from '#store/store.ts'

/** A store that is its process's claim to be the only one of its kind; undefined when another process has it. */
export function openUnlessTaken(path: string): Store | undefined {
  try {
    return openSqliteStore(path, systemClock)
  } catch (error) {
    if (error instanceof StoreBusyError) return undefined
    throw error
  }
}
