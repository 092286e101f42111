/** An Aurora cluster on real engines: how far its readers are behind, how long a writer is missed that was killed, and how long a backtrack takes. */
import type { DBCluster, DBInstance } from '@aws-sdk/client-rds'
import { addInstance, createAurora, PREVIEW } from '../../tests/support/aurora.ts'
import { clusterIn, membersOf, writerEndpoint, writerOf } from '../../tests/support/cluster.ts'
import { PASSWORD, query } from '../../tests/support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../../tests/support/holdfast.ts'
import { engineOf, zoneOf } from '../../tests/support/processes.ts'
import { benchBacktrack } from './backtrack.ts'
import { median, ms, type Row } from './figures.ts'
import { killedToCommit, loginAt } from './first-commit.ts'
import { benchLag } from './lag.ts'

const ID = 'shop'
const MEMBERS = ['shop-1', 'shop-2', 'shop-3']
const FAILOVERS = 20

export async function benchAurora(): Promise<Row[]> {
  const holdfast = await startHoldfast({ env: { ...PREVIEW, HOLDFAST_FAILOVER_PAUSE_MS: '0' } })
  try {
    await newCluster(holdfast)
    const { cluster, members } = await whole(holdfast)
    const reader = members.find(({ DBInstanceIdentifier }) => DBInstanceIdentifier !== writerOf(cluster))!
    const lag = await benchLag(holdfast, writerEndpoint(cluster), async () => reader)
    await query(holdfast, writerEndpoint(cluster), 'create table written (n serial primary key)')
    const failovers: number[] = []
    for (let round = 0; round < FAILOVERS; round++) failovers.push(await failover(holdfast))
    const backtracks = await benchBacktrack(holdfast, (await whole(holdfast)).cluster)
    return [
      ...lag.map(([what, value]): Row => [`Aurora: ${what}`, value]),
      [
        `kill -9 of an Aurora writer to the first commit at the cluster endpoint, ${FAILOVERS} times: p50, max (aim < 1 s, < 3 s)`,
        `${ms(median(failovers))}, ${ms(Math.max(...failovers))}`,
      ],
      ...backtracks,
    ]
  } finally {
    await discard(holdfast)
  }
}

async function newCluster(holdfast: Holdfast): Promise<void> {
  const rds = holdfast.rds()
  await createAurora(rds, ID, { BacktrackWindow: 3600 })
  for (const id of MEMBERS) await addInstance(rds, ID, id)
}

/** With a writer and all readers, so that each failover begins alike. */
async function whole(holdfast: Holdfast): Promise<{ cluster: DBCluster; members: DBInstance[] }> {
  return eventually('the cluster is whole', async () => {
    const rds = holdfast.rds()
    const cluster = await clusterIn(rds, ID, (found) => found.DBClusterMembers?.length === MEMBERS.length)
    const members = await membersOf(rds, cluster)
    return members.every(({ DBInstanceStatus }) => DBInstanceStatus === 'available') ? { cluster, members } : undefined
  })
}

async function failover(holdfast: Holdfast): Promise<number> {
  const { cluster, members } = await whole(holdfast)
  const writer = members.find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === writerOf(cluster))!
  const engine = await engineOf(holdfast.state, zoneOf(writer), writer)
  const took = await killedToCommit(engine, loginAt(cluster.Port!, PASSWORD, 'postgres'))
  await clusterIn(holdfast.rds(), ID, (found) => writerOf(found) !== writer.DBInstanceIdentifier)
  return took
}
