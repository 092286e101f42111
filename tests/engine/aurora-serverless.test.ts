/** Serverless instances of an Aurora DB cluster on real PostgreSQL: their capacity follows the load of real processes. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch'
import { DescribeEventsCommand, ModifyDBClusterCommand, type RDSClient } from '@aws-sdk/client-rds'
import { openControlGroups } from '#host/control-groups.ts'
import { readText } from '#host/disk.ts'
import { addInstance, createAurora, PREVIEW } from '../support/aurora.ts'
import { clusterIn, membersOf, readerEndpoint, writerEndpoint } from '../support/cluster.ts'
import { query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

const ID = 'shop'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast({ env: { ...PREVIEW, HOLDFAST_PAUSE_SPEED: '200' } })
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
  await createAurora(rds, ID, { ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 4 } })
  // The reader comes while the writer is looked at.
  for (const id of ['shop-1', 'shop-2']) await addInstance(rds, ID, id, { DBInstanceClass: 'db.serverless' })
  await eventually('the writer available', async () => {
    const [member] = await membersOf(rds, await clusterIn(rds, ID))
    return member?.DBInstanceStatus === 'available' ? true : undefined
  })
  const before = await acuInForce()
  assert.ok(before >= 0.5 && before < 4, String(before))
  const { connections } = await ask<{ connections: string }>(`select current_setting('max_connections') as connections`)
  assert.equal(Number(connections), Math.trunc(2 ** 33 / 9_531_392))
  const busy = ask(`set statement_timeout = '60s'; select sum(i) as n from generate_series(1, 1e9) as i`).catch(
    () => {},
  )
  await eventually('a larger capacity', async () => ((await acuInForce()) > before ? true : undefined))
  await ask(
    `select pg_cancel_backend(pid) from pg_stat_activity where query like '%generate_series(1, 1e9)%' and pid <> pg_backend_pid()`,
  )
  await busy
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

/** The lock files of the cluster's engines, as far as they run. */
async function lockFiles(): Promise<string[]> {
  const members = await membersOf(rds, await clusterIn(rds, ID))
  const texts = await Promise.all(
    members.map(async ({ AvailabilityZone, DbiResourceId }) => {
      const folder = join(holdfast.state, 'hosts', AvailabilityZone!.at(-1)!, 'instances', DbiResourceId!)
      return readText(join(folder, 'data', 'postmaster.pid'))
    }),
  )
  return texts.filter((text) => text !== undefined)
}

const enginesRunning = async (): Promise<number> => (await lockFiles()).length

test('the kernel holds the processes of an instance to its capacity', async (t) => {
  const groups = await openControlGroups()
  if (!groups) return t.skip('no control groups can be made here')
  await eventually('all engines in groups of theirs', async () => {
    const pids = (await lockFiles()).map((text) => text.split('\n')[0]!)
    const memberships = await Promise.all(pids.map((pid) => readText(`/proc/${pid}/cgroup`)))
    return pids.length === 2 && memberships.every((text) => text?.includes('/holdfast-db-')) ? true : undefined
  })
})

const paused = (): Promise<true> =>
  eventually('no engine', async () => ((await enginesRunning()) === 0 ? true : undefined))

test('idle instances are stopped, and whoever comes waits until they are back', async () => {
  await ask('create table kept (n integer)')
  const members = async (): Promise<(string | undefined)[]> =>
    (await membersOf(rds, await clusterIn(rds, ID))).map(({ DBInstanceStatus }) => DBInstanceStatus)
  await eventually('the reader available', async () => {
    const statuses = await members()
    return statuses.length === 2 && statuses.every((status) => status === 'available') ? true : undefined
  })
  await rds.send(
    new ModifyDBClusterCommand({
      DBClusterIdentifier: ID,
      ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 4 },
    }),
  )
  await paused()
  assert.deepEqual(await members(), ['available', 'available'])
  assert.equal((await clusterIn(rds, ID)).Status, 'available')

  // Many at once: each is held, and none is refused.
  const rows = Array.from({ length: 20 }, () => ask('insert into kept values (1) returning n'))
  assert.equal((await Promise.all(rows)).length, 20)
  await eventually('both instances back', async () => ((await enginesRunning()) === 2 ? true : undefined))
  assert.equal((await ask<{ n: string }>('select count(*) as n from kept')).n, '20')

  await paused()
  const [reader] = await query<{ n: string }>(
    holdfast,
    readerEndpoint(await clusterIn(rds, ID)),
    `select count(*) || ' ' || pg_is_in_recovery() as n from kept`,
  )
  assert.equal(reader!.n, '20 true')
  const { Events } = await rds.send(
    new DescribeEventsCommand({ SourceType: 'db-instance', SourceIdentifier: 'shop-1' }),
  )
  const told = Events!.map(({ Message }) => Message)
  for (const message of ['Successfully paused the DB instance', 'Successfully resumed the DB instance'])
    assert.ok(told.includes(message), told.join('\n'))
  await eventually('the capacity as a metric', async () =>
    (await measured()).some((acu) => acu > 0.5) ? true : undefined,
  )
})
