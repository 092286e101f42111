/** What the traffic does to a database, and what must hold of it afterwards. One file each in this folder. */
import { eventually } from '../../../support/eventually.ts'
import type { SeededRandom } from '../../../support/random.ts'
import type { Isolation, Query, Session } from '../session.ts'

export interface Client {
  readonly process: number
  readonly random: SeededRandom
}

export interface Workload {
  readonly name: string
  setUp(session: Session): Promise<void>
  /** One operation of one client, written into the workload's history. */
  step(session: Session, client: Client): Promise<void>
  /** How many operations have been acknowledged. */
  acknowledged(): number
  /** Reads the end, when nothing runs any more, and says what is wrong. Empty: nothing. */
  judge(session: Session): Promise<string[]>
  /** What happened, in a line. */
  summary(): string
}

/** A transaction that is tried until it is committed: for preparations, and for reading the end. */
export const surely = <T>(session: Session, isolation: Isolation, work: (query: Query) => Promise<T>): Promise<T> =>
  eventually('a transaction that is committed', async () => {
    const ended = await session.transaction(isolation, work)
    return ended?.outcome === 'ok' ? { value: ended.value as T } : undefined
  }).then(({ value }) => value)
