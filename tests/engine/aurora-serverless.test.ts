/** Serverless instances of an Aurora DB cluster on real PostgreSQL: their capacity follows the load of real processes. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch'
import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  ModifyDBClusterCommand,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { clusterIn, membersOf, writerEndpoint } from '../support/cluster.ts'
import { PASSWORD, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

const ID = 'shop'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast({ env: { HOLDFAST_AURORA: 'preview' } })
  rds = holdfast.rds()
})
after(() => discard(holdfast))

const ask = async <R extends object>(sql: string): Promise<R> =>
  (await query<R>(holdfast, writerEndpoint(await clusterIn(rds, ID)), sql))[0]!

/** What the running engine takes the memory of its capacity for, in ACUs: an eighth of it as pages of 8 KiB. */
const acuInForce = async (): Promise<number> => {
  const { pages } = await ask<{ pages: string }>(
    `select setting as pages from pg_settings where name = 'effective_cache_size'`,
  )
  return (Number(pages) * 16384) / 2 ** 31
}

/** The largest capacity of each minute, as CloudWatch has it. */
async function measured(): Promise<number[]> {
  const client = new CloudWatchClient({
    region: 'us-east-1',
    endpoint: holdfast.url,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const { Datapoints } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: 'AWS/RDS',
      MetricName: 'ServerlessDatabaseCapacity',
      Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'shop-1' }],
      StartTime: new Date(Date.now() - 600_000),
      EndTime: new Date(Date.now() + 60_000),
      Period: 60,
      Statistics: ['Maximum'],
    }),
  )
  client.destroy()
  return Datapoints!.map(({ Maximum }) => Maximum!)
}

test('the capacity of a serverless instance follows what its processes do', async () => {
  await rds.send(
    new CreateDBClusterCommand({
      DBClusterIdentifier: ID,
      Engine: 'aurora-postgresql',
      MasterUsername: 'app',
      MasterUserPassword: PASSWORD,
      ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 4 },
    }),
  )
  await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: 'shop-1',
      DBClusterIdentifier: ID,
      Engine: 'aurora-postgresql',
      DBInstanceClass: 'db.serverless',
    }),
  )
  await eventually('the writer available', async () => {
    const [member] = await membersOf(rds, await clusterIn(rds, ID))
    return member?.DBInstanceStatus === 'available' ? true : undefined
  })
  assert.equal(await acuInForce(), 0.5)
  const { connections } = await ask<{ connections: string }>(`select current_setting('max_connections') as connections`)
  assert.equal(Number(connections), Math.trunc(2 ** 33 / 9_531_392))
  const busy = ask(`set statement_timeout = '60s'; select sum(i) as n from generate_series(1, 1e9) as i`).catch(
    () => {},
  )
  await eventually('a larger capacity', async () => ((await acuInForce()) > 0.5 ? true : undefined))
  await ask(
    `select pg_cancel_backend(pid) from pg_stat_activity where query like '%generate_series(1, 1e9)%' and pid <> pg_backend_pid()`,
  )
  await busy
  await eventually('the capacity as a metric', async () =>
    (await measured()).some((acu) => acu > 0.5) ? true : undefined,
  )
})

test('another range holds at once', async () => {
  await rds.send(
    new ModifyDBClusterCommand({
      DBClusterIdentifier: ID,
      ServerlessV2ScalingConfiguration: { MinCapacity: 3, MaxCapacity: 4 },
    }),
  )
  await eventually('the new range in force', async () => ((await acuInForce()) >= 3 ? true : undefined))
})
