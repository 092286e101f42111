/** Regions that are far apart: what the engines themselves measure of a replica in another one. From below only. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CreateDBInstanceReadReplicaCommand, type DBInstance, type RDSClient } from '@aws-sdk/client-rds'
import { createInstance, instanceIn, query } from '../support/database.ts'
import { discard, eventually, processesOf, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { zoneOf } from '../support/processes.ts'

const LATENCY_MS = 300

let holdfast: Holdfast
let source: DBInstance

const east = (): RDSClient => holdfast.rds()
const west = (): RDSClient => holdfast.rds({ region: 'us-west-2' })

const isReplicating = ({ StatusInfos }: DBInstance): boolean => StatusInfos![0]?.Status === 'replicating'

const sql = <Row extends Record<string, unknown>>(instance: DBInstance, text: string): Promise<Row[]> =>
  query<Row>(holdfast, instance, text)

const far = (): Promise<DBInstance> => instanceIn(west(), 'far', 'available', isReplicating)

const reads = (instance: DBInstance, n: number): Promise<true> =>
  eventually(`row ${n}`, async () =>
    (await sql(instance, `select 1 from t where n = ${n}`)).length > 0 ? true : undefined,
  )

/** The port from which the replica receives its log. */
const upstreamPort = (): Promise<number> =>
  eventually('a receiver', async () => {
    const [found] = await sql<{ port: number }>(await far(), 'select sender_port as port from pg_stat_wal_receiver')
    return found?.port
  })

before(async () => {
  holdfast = await startHoldfast({ env: { HOLDFAST_REGION_LATENCY_MS: String(LATENCY_MS) } })
  source = await createInstance(east(), 'source', { BackupRetentionPeriod: 1 })
  await sql(source, 'create table t (n int primary key)')
})

after(() => discard(holdfast))

test('a commit takes the latency to a replica in another region, and the answer takes it too', async () => {
  await west().send(
    new CreateDBInstanceReadReplicaCommand({
      DBInstanceIdentifier: 'far',
      SourceDBInstanceIdentifier: source.DBInstanceArn!,
    }),
  )
  await far()
  assert.notEqual(await upstreamPort(), source.Endpoint!.Port)
  // The engine measures from its own flush to the replica's word that it has written that; none while nothing is written.
  let n = 0
  const lag = await eventually('a lag', async () => {
    await sql(source, `insert into t values (${++n})`)
    const [found] = await sql<{ ms: number | null }>(
      source,
      `select extract(epoch from write_lag) * 1000 as ms from pg_stat_replication
        where application_name <> 'rds_archive' and state = 'streaming'`,
    )
    return found?.ms ?? undefined
  })
  assert.ok(Number(lag) >= 2 * LATENCY_MS, `${lag} ms`)
  const [before] = await sql<{ at: Date }>(source, `insert into t values (${++n}) returning clock_timestamp() as at`)
  await reads(await far(), n)
  const [found] = await sql<{ now: Date }>(await far(), 'select clock_timestamp() as now')
  assert.ok(found!.now.getTime() - before!.at.getTime() >= LATENCY_MS)
})

test('a replica goes on when the agent that its log comes through was killed', async () => {
  const zone = zoneOf(await far())
  const agents = (await processesOf(holdfast.state)).filter(({ command }) =>
    command.endsWith(` agent --state ${holdfast.state} --az ${zone}`),
  )
  assert.equal(agents.length, 1)
  process.kill(agents[0]!.pid, 'SIGKILL')
  await sql(source, 'insert into t values (500)')
  await reads(await far(), 500)
  assert.notEqual(await upstreamPort(), source.Endpoint!.Port)
})

test('what another start says of regions holds for the replicas that there are', async () => {
  await holdfast.stop()
  holdfast = await startHoldfast({ state: holdfast.state })
  source = await instanceIn(east(), 'source', 'available')
  await eventually('the source itself', async () =>
    (await upstreamPort()) === source.Endpoint!.Port ? true : undefined,
  )
  await sql(source, 'insert into t values (1000)')
  await reads(await far(), 1_000)
})
