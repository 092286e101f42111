import { History } from '../history.ts'
import { checkRelaxed, relaxedComplaints, type Commit } from '../relaxed.ts'
import { surely, type Workload } from './workload.ts'

const STRICT = 0.3

/** Inserts, of which most do not wait for the disk nor for a standby. */
export function relaxedCommits(): Workload {
  const history = new History<Commit>()
  let last = 0
  let summary = ''
  return {
    name: 'relaxed commits',
    setUp: (session) =>
      surely(session, 'READ COMMITTED', async (query) => {
        await query('CREATE TABLE IF NOT EXISTS relaxed (value int)')
      }),
    async step(session, { process, random }) {
      const isStrict = random.chance(STRICT)
      const value = ++last
      const end = history.begin(process)
      const ended = await session.transaction('READ COMMITTED', async (query) => {
        if (!isStrict) await query('SET LOCAL synchronous_commit = off')
        await query('INSERT INTO relaxed VALUES ($1)', [value])
      })
      end(ended?.outcome ?? 'fail', { value, isStrict, connection: session.connection })
    },
    acknowledged: () => history.count('ok'),
    async judge(session) {
      const final = await surely(session, 'READ COMMITTED', async (query) =>
        (await query('SELECT value FROM relaxed')).rows.map((row) => Number(row['value'])),
      )
      const verdict = checkRelaxed(history.operations, final)
      summary = `${history.count('ok')} commits acknowledged, ${history.count('unknown')} unknown, ${verdict.takenBack} relaxed ones taken back`
      return relaxedComplaints(verdict)
    },
    summary: () => summary,
  }
}
