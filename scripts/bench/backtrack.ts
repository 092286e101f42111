/** An Aurora cluster that goes back over what was written in ten minutes, and forward again: how long nobody can write. */
import { BacktrackDBClusterCommand, DescribeDBClusterBacktracksCommand, type DBCluster } from '@aws-sdk/client-rds'
import pg from 'pg'
import { clusterIn, writerEndpoint } from '../../tests/support/cluster.ts'
import { PASSWORD, query } from '../../tests/support/database.ts'
import { eventually, type Holdfast } from '../../tests/support/holdfast.ts'
import type { Row } from './figures.ts'
import { firstCommit, loginAt } from './first-commit.ts'

const WRITTEN_MS = 600_000
const CLIENTS = 4

/** Of a cluster with a window, and the table `written`. */
export async function benchBacktrack(holdfast: Holdfast, cluster: DBCluster): Promise<Row[]> {
  const id = cluster.DBClusterIdentifier!
  const at = writerEndpoint(cluster)
  await query(holdfast, at, 'create table filled (n serial primary key, text text)')
  const begun = new Date()
  await clusterIn(holdfast.rds(), id, ({ LatestRestorableTime }) => LatestRestorableTime! > begun)
  const commits = await write(loginAt(cluster.Port!, PASSWORD, 'postgres'), WRITTEN_MS)
  const ended = new Date()
  const [log] = await query<{ bytes: string }>(holdfast, at, `select pg_current_wal_lsn() - '0/0' as bytes`)
  const back = await backtrack(holdfast, cluster, begun)
  const forward = await backtrack(holdfast, cluster, ended)
  const kept = (await query(holdfast, at, 'select 1 from filled limit 1')).length
  if (kept !== 1) throw new Error('it has not come forward again')
  const what = `Aurora: BacktrackDBCluster over ten minutes with ${commits} commits (the log ends at ${Math.round(Number(log!.bytes) / 1e6)} MB)`
  return [
    [`${what}: until the next commit, until all instances serve`, back.join(', ')],
    ['the same forward', forward.join(', ')],
  ]
}

async function write(login: pg.ClientConfig, forMs: number): Promise<number> {
  const until = performance.now() + forMs
  const client = async (): Promise<number> => {
    const session = new pg.Client(login)
    await session.connect()
    let commits = 0
    for (; performance.now() < until; commits++)
      await session.query(`insert into filled (text) values (repeat('x', 200))`)
    await session.end()
    return commits
  }
  const counts = await Promise.all(Array.from({ length: CLIENTS }, client))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Until somebody can write again, and until it is all over. */
async function backtrack(holdfast: Holdfast, { DBClusterIdentifier, Port }: DBCluster, to: Date): Promise<string[]> {
  const rds = holdfast.rds()
  const login = loginAt(Port!, PASSWORD, 'postgres')
  const session = new pg.Client(login)
  session.on('error', () => {})
  await session.connect()
  // Its end comes with an error, for which `once` of events would throw.
  const cut = new Promise((resolve) => void session.once('end', resolve))
  const start = performance.now()
  await rds.send(new BacktrackDBClusterCommand({ DBClusterIdentifier, BacktrackTo: to }))
  await cut
  await firstCommit(login)
  const committed = performance.now() - start
  await eventually('the backtrack is over', async () => {
    const { DBClusterBacktracks } = await rds.send(new DescribeDBClusterBacktracksCommand({ DBClusterIdentifier }))
    return DBClusterBacktracks!.every(({ Status }) => Status === 'completed') || undefined
  })
  return [committed, performance.now() - start].map((took) => `${(took / 1000).toFixed(1)} s`)
}
