/** What a pause costs whoever comes first: from the attempt to connect to a paused serverless writer to its first answer. */
import { join } from 'node:path'
import type { DBCluster } from '@aws-sdk/client-rds'
import pg from 'pg'
import { exists } from '../../src/host/disk.ts'
import { addInstance, createAurora, PREVIEW } from '../../tests/support/aurora.ts'
import { clusterIn, membersOf } from '../../tests/support/cluster.ts'
import { PASSWORD } from '../../tests/support/database.ts'
import { discard, eventually, health, startHoldfast, type Holdfast } from '../../tests/support/holdfast.ts'
import { median, ms, type Row } from './figures.ts'

const WAKES = 10
const ID = 'asleep'

export async function benchWake(): Promise<Row[]> {
  const holdfast = await startHoldfast({ env: { ...PREVIEW, HOLDFAST_PAUSE_SPEED: '300' } })
  try {
    const rds = holdfast.rds()
    await createAurora(rds, ID, { ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 2 } })
    await addInstance(rds, ID, `${ID}-1`, { DBInstanceClass: 'db.serverless' })
    const cluster = await eventually('a writer', async () => {
      const found = await clusterIn(rds, ID)
      const [member] = await membersOf(rds, found)
      return member?.DBInstanceStatus === 'available' ? found : undefined
    })
    const awake: number[] = []
    const woken: number[] = []
    for (let round = 0; round < WAKES; round++) {
      awake.push(await firstAnswer(cluster))
      await paused(holdfast, cluster)
      woken.push(await firstAnswer(cluster))
    }
    return [
      ['connection and first query of a serverless writer that is awake', ms(median(awake))],
      [
        `**the same of one that is paused**, ${WAKES} times: p50, max (aim < 1000 ms; AWS: some 15 s)`,
        `${ms(median(woken))}, ${ms(Math.max(...woken))}`,
      ],
    ]
  } finally {
    await discard(holdfast)
  }
}

async function firstAnswer({ Port }: DBCluster): Promise<number> {
  const start = performance.now()
  const client = new pg.Client({
    host: '127.0.0.1',
    port: Port!,
    user: 'app',
    password: PASSWORD,
    database: 'postgres',
    ssl: { rejectUnauthorized: false },
  })
  await client.connect()
  await client.query('select 1')
  const took = performance.now() - start
  await client.end()
  return took
}

/** Its engine has ended, and the flow that had it paused: who comes before that waits for that, too. */
async function paused(holdfast: Holdfast, cluster: DBCluster): Promise<void> {
  const [member] = await membersOf(holdfast.rds(), cluster)
  const folder = join(holdfast.state, 'hosts', member!.AvailabilityZone!.at(-1)!, 'instances', member!.DbiResourceId!)
  await eventually('no engine', async () => ((await exists(join(folder, 'data', 'postmaster.pid'))) ? undefined : true))
  await eventually('the pause over', async () =>
    (await health(holdfast)).flows.some(({ name }) => name === 'pause-aurora-instances') ? undefined : true,
  )
}
