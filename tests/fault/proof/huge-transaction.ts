/** Transactions of many megabytes while their primary is killed: each is there as a whole or not at all. */
import { eventually } from '../../support/eventually.ts'
import type { Outcome } from './history.ts'
import { signal } from './faults.ts'
import type { Deployment } from './deployment.ts'
import { Session, type Query } from './session.ts'
import { surely } from './workloads/workload.ts'

/** Rows of a kilobyte, so that this is also how many kilobytes. */
const ROWS_EACH = 2_000

/** When the primary is killed. */
export type Moment = 'halfway' | 'at the commit' | 'after the commit'

export interface HugeTransaction {
  readonly id: number
  readonly rows: number
  readonly outcome: Outcome
}

/** What is wrong, for a person; empty when nothing is. `there`: rows by transaction. */
export function hugeComplaints(made: readonly HugeTransaction[], there: ReadonlyMap<number, number>): string[] {
  return made.flatMap(({ id, rows, outcome }) => {
    const found = there.get(id) ?? 0
    if (found !== 0 && found !== rows) return [`${found} of ${rows} rows of huge transaction ${id} are there`]
    if (outcome === 'ok' && found === 0) return [`huge transaction ${id} was acknowledged and is lost`]
    return outcome === 'fail' && found > 0 ? [`huge transaction ${id} failed and is there`] : []
  })
}

/** One after the other, each with its failover. Gives what was wrong in the end. */
export async function proveHuge(world: Deployment, moments: readonly Moment[], megabytes: number): Promise<string[]> {
  const session = new Session(world.endpoint('postgres'))
  await surely(session, 'READ COMMITTED', (query) => query('CREATE TABLE IF NOT EXISTS huge (id int, filling text)'))
  const made: HugeTransaction[] = []
  for (const [id, moment] of moments.entries()) {
    await world.whole()
    made.push(await strike(world, { id, moment, parts: Math.ceil((megabytes * 1_000) / ROWS_EACH) }))
  }
  const there = await surely(session, 'READ COMMITTED', async (query) => {
    const { rows } = await query('SELECT id, count(*) AS rows FROM huge GROUP BY id')
    return new Map(rows.map((row) => [Number(row['id']), Number(row['rows'])]))
  })
  await surely(session, 'READ COMMITTED', (query) => query('DROP TABLE huge'))
  await session.close()
  await world.whole()
  return hugeComplaints(made, there)
}

async function strike(
  world: Deployment,
  { id, moment, parts }: { id: number; moment: Moment; parts: number },
): Promise<HugeTransaction> {
  const { pid } = await world.primary()
  const kill = (when: Moment): void => {
    if (moment === when) signal([pid], 'SIGKILL')
  }
  const session = new Session(world.endpoint('postgres'))
  const sql = `INSERT INTO huge SELECT $1, repeat(md5(random()::text), 31) FROM generate_series(1, ${ROWS_EACH})`
  const work = async (query: Query): Promise<void> => {
    for (let part = 0; part < parts; part++) {
      await query(sql, [id])
      if (part === Math.floor(parts / 2)) kill('halfway')
    }
    // The commit is on its way by then: both are sent before anybody answers.
    setImmediate(() => kill('at the commit'))
  }
  // Undefined: there was no connection, and nothing was tried.
  const { outcome } = await eventually('a huge transaction', () => session.transaction('READ COMMITTED', work))
  kill('after the commit')
  await session.close()
  return { id, rows: parts * ROWS_EACH, outcome }
}
