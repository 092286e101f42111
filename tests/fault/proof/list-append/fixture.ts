/** Histories for the tests of the checker: written down, or made by a database in memory that keeps its promise. */
import { History, type Outcome } from '../history.ts'
import { SeededRandom } from '../../../support/random.ts'
import type { MicroOperation, Transaction } from './transaction.ts'

export const append = (key: string, value: number): MicroOperation => ({ f: 'append', key, value })
export const read = (key: string, ...list: number[]): MicroOperation => ({ f: 'read', key, list })

export interface Written {
  readonly outcome?: Outcome
  /** Began before the one before it in the list had ended. */
  readonly concurrent?: boolean
  readonly does: readonly MicroOperation[]
}

/** Transactions in order of time. */
export function history(...written: readonly (Written | readonly MicroOperation[])[]): Transaction[] {
  return written.map((one, n): Transaction => {
    const { outcome = 'ok', concurrent = false, does }: Written = 'does' in one ? one : { does: one }
    return { process: n, outcome, value: does, began: concurrent ? 0 : 10 * n, ended: 10 * n + 5 }
  })
}

export interface Made {
  readonly transactions: Transaction[]
  readonly final: ReadonlyMap<string, readonly number[]>
}

interface Running {
  readonly end: (outcome: Outcome, value: readonly MicroOperation[]) => void
  readonly does: readonly MicroOperation[]
  /** Length of every list when it began. */
  readonly snapshot: ReadonlyMap<string, number>
}

/**
 * A run of many clients on a database in memory under snapshot isolation: reads as of the beginning, and of two that
 * wrote to the same key at once only the first commits. `serial`: one transaction at a time. Some fail, and of some the
 * answer is lost.
 */
export function makeHistory(
  seed: number,
  { count, keys, clients, serial }: { count: number; keys: number; clients: number; serial: boolean },
): Made {
  const random = new SeededRandom(seed)
  const lists = new Map(Array.from({ length: keys }, (_, n) => [`k${n}`, [] as number[]]))
  const log = new History<readonly MicroOperation[]>()
  const running = new Map<number, Running>()
  let values = 0
  const begin = (client: number): void => {
    const does = Array.from({ length: random.between(1, 4) }, (): MicroOperation => {
      const key = random.pick([...lists.keys()])
      return random.chance(0.5) ? append(key, ++values) : { f: 'read', key, list: undefined }
    })
    const snapshot = new Map([...lists].map(([key, list]) => [key, list.length]))
    running.set(client, { end: log.begin(client), does, snapshot })
  }
  const finish = (client: number): void => {
    const { end, does, snapshot } = running.get(client)!
    running.delete(client)
    const own = new Map<string, number[]>()
    const shown = does.map((op): MicroOperation => {
      if (op.f === 'append') {
        own.set(op.key, [...(own.get(op.key) ?? []), op.value])
        return op
      }
      return { ...op, list: [...lists.get(op.key)!.slice(0, snapshot.get(op.key)), ...(own.get(op.key) ?? [])] }
    })
    const conflicts = [...own.keys()].some((key) => lists.get(key)!.length !== snapshot.get(key))
    if (conflicts || random.chance(0.05)) return end('fail', does)
    for (const [key, appended] of own) lists.get(key)!.push(...appended)
    end(random.chance(0.05) ? 'unknown' : 'ok', shown)
  }
  for (let n = 0; n < count; n++) {
    const client = random.between(0, clients - 1)
    if (running.has(client)) finish(client)
    begin(client)
    if (serial) finish(client)
  }
  for (const client of running.keys()) finish(client)
  return { transactions: log.operations, final: lists }
}
