import { History } from '../history.ts'
import { objectComplaints, type ObjectOperation, type ObjectsEnd } from '../objects.ts'
import type { Query, Session } from '../session.ts'
import { surely, type Client, type Workload } from './workload.ts'

/** Repeated, so that a large object has several pages. */
const CONTENT = (id: number): string => `object ${id} `.repeat(1_000)

/** What one client has made, and is sure of. */
interface Possessions {
  readonly tables: number[]
  readonly prepared: number[]
}

/** Tables made and dropped, numbers of a sequence, prepared transactions where the engine has them, large objects. */
export function objects(): Workload {
  const history = new History<ObjectOperation>()
  const possessions = new Map<number, Possessions>()
  let last = 0
  let canPrepare = false
  let summary = ''

  const create = async (session: Session, { process }: Client, { tables }: Possessions): Promise<void> => {
    const table = ++last
    const end = history.begin(process)
    const outcome = (await session.statement(`CREATE TABLE made_${table} (n int PRIMARY KEY)`, []))?.outcome ?? 'fail'
    if (outcome === 'ok') tables.push(table)
    end(outcome, { f: 'create', id: table })
  }
  const drop = async (session: Session, { process }: Client, table: number): Promise<void> => {
    const end = history.begin(process)
    end((await session.statement(`DROP TABLE made_${table}`, []))?.outcome ?? 'fail', { f: 'drop', id: table })
  }
  const draw = async (session: Session, { process }: Client): Promise<void> => {
    const end = history.begin(process)
    const ended = await session.statement(`INSERT INTO drawn VALUES (nextval('numbers')) RETURNING number`, [])
    const number = ended?.value?.rows[0]?.['number']
    end(ended?.outcome ?? 'fail', { f: 'draw', number: number === undefined ? undefined : Number(number) })
  }
  const prepare = async (session: Session, { process }: Client, { prepared }: Possessions): Promise<void> => {
    const id = ++last
    const end = history.begin(process)
    const statements = `BEGIN; INSERT INTO decided VALUES (${id}); PREPARE TRANSACTION '${id}'`
    const outcome = (await session.statement(statements, []))?.outcome ?? 'fail'
    if (outcome === 'ok') prepared.push(id)
    end(outcome, { f: 'prepare', id })
  }
  const commitPrepared = async (session: Session, { process }: Client, id: number): Promise<void> => {
    const end = history.begin(process)
    end((await session.statement(`COMMIT PREPARED '${id}'`, []))?.outcome ?? 'fail', { f: 'commit-prepared', id })
  }
  const store = async (session: Session, { process }: Client): Promise<void> => {
    const id = ++last
    const end = history.begin(process)
    const sql = `INSERT INTO stored VALUES ($1, lo_from_bytea(0, convert_to($2, 'UTF8')))`
    end((await session.statement(sql, [id, CONTENT(id)]))?.outcome ?? 'fail', { f: 'store', id })
  }

  return {
    name: 'objects',
    setUp: async (session) => {
      await surely(session, 'READ COMMITTED', async (query) => {
        await query('CREATE SEQUENCE IF NOT EXISTS numbers')
        await query('CREATE TABLE IF NOT EXISTS drawn (number bigint)')
        await query('CREATE TABLE IF NOT EXISTS decided (id int)')
        await query('CREATE TABLE IF NOT EXISTS stored (id int, object oid)')
        const { rows } = await query('SHOW max_prepared_transactions')
        canPrepare = rows[0]!['max_prepared_transactions'] !== '0'
      })
    },
    async step(session, client) {
      const { random, process } = client
      const has = possessions.get(process) ?? { tables: [], prepared: [] }
      possessions.set(process, has)
      switch (random.between(0, canPrepare ? 4 : 2)) {
        case 0:
          return has.tables.length > 2 ? drop(session, client, has.tables.shift()!) : create(session, client, has)
        case 1:
          return draw(session, client)
        case 2:
          return store(session, client)
        default:
          // Some are left undecided over a fault.
          return has.prepared.length > 1
            ? commitPrepared(session, client, has.prepared.shift()!)
            : prepare(session, client, has)
      }
    },
    acknowledged: () => history.count('ok'),
    async judge(session) {
      const end = await surely(session, 'REPEATABLE READ', readEnd)
      // They would keep the database from being dropped, and hold on to what they touched for ever.
      for (const id of end.prepared) await session.statement(`ROLLBACK PREPARED '${id}'`, [])
      summary = `${history.count('ok')} operations acknowledged, ${history.count('unknown')} unknown; ${end.tables.length} tables, ${end.drawn.length} numbers, ${end.committed.length} prepared transactions committed, ${end.prepared.length} undecided, ${end.stored.size} large objects`
      return objectComplaints(history.operations, end)
    },
    summary: () => summary,
  }
}

async function readEnd(query: Query): Promise<ObjectsEnd> {
  const numbers = async (sql: string): Promise<number[]> =>
    (await query(`SELECT n::bigint AS n FROM (${sql}) AS t (n)`)).rows.map(({ n }) => Number(n))
  const stored = await query(`SELECT id, convert_from(lo_get(object), 'UTF8') AS content FROM stored`)
  return {
    tables: await numbers(`SELECT substr(relname, 6) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'made\\_%'`),
    drawn: await numbers('SELECT number FROM drawn'),
    prepared: await numbers('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()'),
    committed: await numbers('SELECT id FROM decided'),
    stored: new Map(stored.rows.map(({ id, content }) => [Number(id), content === CONTENT(Number(id))])),
  }
}
