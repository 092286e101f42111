import { eventually } from '../../../support/eventually.ts'
import { consumerComplaints, type Life } from '../consumer.ts'
import { History } from '../history.ts'
import type { Query, Session } from '../session.ts'
import { surely, type Workload } from './workload.ts'

const SLOT = 'consumed'

/** Transactions of all workloads that one look goes through. */
const CHANGES_MAX = 2_000

const CREATE = `SELECT pg_create_logical_replication_slot('${SLOT}', 'test_decoding', false, false, true)`
const DROP = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${SLOT}'`
const PEEK = `SELECT lsn::text AS lsn, data FROM pg_logical_slot_peek_changes('${SLOT}', NULL, ${CHANGES_MAX}, 'skip-empty-xacts', 'on')`
const ADVANCE = `SELECT pg_replication_slot_advance('${SLOT}', $1)`
const INSERTED = /^table public\.consumed: INSERT: value\[integer\]:(\d+)$/

/** The slot does not exist, or is not valid any more. */
const GONE = ['42704', '55000']

/** One client reads a slot, in the order of reading, remembering and confirming; the others insert. */
export function consumer(): Workload {
  const history = new History<number>()
  const lives: { since: number | undefined; shown: number[] }[] = []
  let last = 0
  let reader: number | undefined
  let isOpen = false
  let summary = ''

  const insert = async (session: Session, process: number): Promise<number> => {
    const value = ++last
    const end = history.begin(process)
    const ended = await session.statement('INSERT INTO consumed VALUES ($1)', [value])
    end(ended?.outcome ?? 'fail', value)
    return value
  }
  const read = async (query: Query): Promise<void> => {
    const { rows } = await query(PEEK)
    const life = lives.at(-1)!
    life.since ??= last
    for (const { data } of rows) {
      const found = INSERTED.exec(String(data))
      if (found) life.shown.push(Number(found[1]))
    }
    const end = rows.findLast(({ data }) => String(data).startsWith('COMMIT'))
    if (end) await query(ADVANCE, [end['lsn']])
  }
  const consume = (session: Session): Promise<unknown> =>
    session.transaction('READ COMMITTED', async (query) => {
      try {
        await (isOpen ? read(query) : query(CREATE))
        if (!isOpen) lives.push({ since: undefined, shown: [] })
        isOpen = true
      } catch (error) {
        const { code } = error as { code?: string }
        // Made by an earlier try of which nobody has heard.
        if (!isOpen && code === '42710') {
          lives.push({ since: undefined, shown: [] })
          isOpen = true
        } else if (isOpen && GONE.includes(code ?? '')) isOpen = false
        throw error
      }
    })

  return {
    name: 'consumer',
    async setUp(session) {
      await surely(session, 'READ COMMITTED', async (query) => {
        await query('CREATE TABLE IF NOT EXISTS consumed (value int)')
      })
      await eventually('a slot', async () => (await consume(session), isOpen || undefined))
    },
    async step(session, { process }) {
      reader ??= process
      await (process === reader ? consume(session) : insert(session, process))
    },
    acknowledged: () => history.count('ok'),
    async judge(session) {
      await eventually('the end of the slot', async () => {
        const value = await insert(session, -1)
        await consume(session)
        return lives.at(-1)?.shown.includes(value) || undefined
      })
      const final = await surely(session, 'READ COMMITTED', async (query) =>
        (await query('SELECT value FROM consumed')).rows.map((row) => Number(row['value'])),
      )
      await surely(session, 'READ COMMITTED', (query) => query(DROP))
      const read = lives.flatMap(({ since, shown }): Life[] => (since === undefined ? [] : [{ since, shown }]))
      const shown = read.reduce((sum, life) => sum + life.shown.length, 0)
      summary = `${history.count('ok')} inserts acknowledged, ${shown} shown, ${lives.length - 1} slots lost`
      return consumerComplaints(history.operations, final, read)
    },
    summary: () => summary,
  }
}
