import { History } from '../history.ts'
import { checkLists, type Model } from '../list-append/check.ts'
import type { MicroOperation } from '../list-append/transaction.ts'
import type { SeededRandom } from '../../../support/random.ts'
import { Session, type Endpoint, type Isolation, type Query } from '../session.ts'
import { surely, type Workload } from './workload.ts'

/** Few keys, so that transactions meet; a new key takes the place of one whose list is long enough to read. */
const KEYS = 5
const APPENDS_MAX = 40

export interface ListAppendOptions {
  readonly isolation: Isolation
  readonly model: Model
  /** Of a table of its own, so that transactions of different isolation do not meet. */
  readonly table: string
  /** Where every other client only reads, if there is such an endpoint. */
  readonly readers?: Endpoint
}

/** Transactions of one to four reads and appends on lists. */
export function listAppend({ isolation, model, table, readers }: ListAppendOptions): Workload {
  const history = new History<readonly MicroOperation[]>()
  const keys = Array.from({ length: KEYS }, (_, n) => ({ name: `k${n}`, appends: 0 }))
  let made = KEYS
  let last = 0
  let summary = ''
  const readingSessions = new Map<number, Session>()
  const readingSession = (process: number): Session | undefined => {
    if (!readers || process % 2 === 0) return undefined
    const session = readingSessions.get(process) ?? new Session(readers)
    readingSessions.set(process, session)
    return session
  }

  const draw = (random: SeededRandom, onlyReads: boolean): MicroOperation => {
    const at = random.between(0, KEYS - 1)
    const key = keys[at]!
    if (onlyReads || random.chance(0.5)) return { f: 'read', key: key.name, list: undefined }
    key.appends++
    if (key.appends >= APPENDS_MAX) keys[at] = { name: `k${made++}`, appends: 0 }
    return { f: 'append', key: key.name, value: ++last }
  }
  const run = async (query: Query, op: MicroOperation): Promise<MicroOperation> => {
    if (op.f === 'append') {
      const append = `INSERT INTO ${table} AS t VALUES ($1, ARRAY[$2::int]) ON CONFLICT (key) DO UPDATE SET list = t.list || $2::int`
      await query(append, [op.key, op.value])
      return op
    }
    const { rows } = await query(`SELECT list FROM ${table} WHERE key = $1`, [op.key])
    return { ...op, list: (rows[0]?.['list'] as number[] | undefined) ?? [] }
  }

  return {
    name: `list append, ${isolation.toLowerCase()}`,
    setUp: (session) =>
      surely(session, 'READ COMMITTED', async (query) => {
        await query(`CREATE TABLE IF NOT EXISTS ${table} (key text PRIMARY KEY, list int[] NOT NULL)`)
      }),
    async step(session, { process, random }) {
      const reading = readingSession(process)
      const wanted = Array.from({ length: random.between(1, 4) }, () => draw(random, reading !== undefined))
      const end = history.begin(process)
      const ended = await (reading ?? session).transaction(isolation, async (query) => {
        const shown: MicroOperation[] = []
        for (const op of wanted) shown.push(await run(query, op))
        return shown
      })
      end(ended?.outcome ?? 'fail', ended?.outcome === 'ok' ? ended.value! : wanted)
    },
    acknowledged: () => history.count('ok'),
    async judge(session) {
      for (const reading of readingSessions.values()) await reading.close()
      const final = await surely(session, 'REPEATABLE READ', async (query) => {
        const { rows } = await query(`SELECT key, list FROM ${table}`)
        return new Map(rows.map((row) => [row['key'] as string, row['list'] as number[]]))
      })
      const verdict = checkLists(history.operations, { model, realtime: model !== 'reader-endpoint', final })
      summary = `${verdict.transactions} transactions, ${verdict.dependencies} dependencies, ${history.count('unknown')} unknown, ${verdict.anomalies.length} anomalies, ${verdict.longForks} long forks`
      return verdict.anomalies.slice(0, 5).map(({ name, detail }) => `${table}: ${name}: ${detail}`)
    },
    summary: () => summary,
  }
}
