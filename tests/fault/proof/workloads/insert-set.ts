import { History } from '../history.ts'
import { checkSet, setComplaints, type SetOperation } from '../insert-set.ts'
import { surely, type Workload } from './workload.ts'

/** Reads are of the whole set, so there are few of them. */
const READS = 0.03

/** Inserts of values of their own, each a transaction, and now and then a read of all. */
export function insertSet(): Workload {
  const history = new History<SetOperation>()
  let last = 0
  let summary = ''
  return {
    name: 'insert set',
    setUp: (session) =>
      surely(session, 'READ COMMITTED', async (query) => {
        await query('CREATE TABLE IF NOT EXISTS inserted (value int)')
      }),
    async step(session, { process, random }) {
      const isRead = random.chance(READS)
      const value = isRead ? 0 : ++last
      const end = history.begin(process)
      const ended = isRead
        ? await session.statement('SELECT value FROM inserted', [])
        : await session.statement('INSERT INTO inserted VALUES ($1)', [value])
      // What could not even be sent has failed; a read without an answer shows nothing.
      const outcome = ended?.outcome ?? 'fail'
      if (!isRead) end(outcome, { f: 'insert', value })
      else
        end(outcome === 'ok' ? 'ok' : 'fail', {
          f: 'read',
          values: ended?.value?.rows.map((row) => Number(row['value'])),
        })
    },
    acknowledged: () => history.count('ok'),
    async judge(session) {
      const final = await surely(session, 'READ COMMITTED', async (query) =>
        (await query('SELECT value FROM inserted')).rows.map((row) => Number(row['value'])),
      )
      const verdict = checkSet(history.operations, final)
      summary = `${verdict.acknowledged} inserts acknowledged, ${verdict.unknown} unknown, ${verdict.lost.length} lost`
      return setComplaints(verdict)
    },
    summary: () => summary,
  }
}
