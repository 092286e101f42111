/** Logical replication as RDS has it, on an instance of one zone: the parameter, the role, and what the role must not open. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBParameterGroupCommand,
  CreateDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBParameterGroupCommand,
  RebootDBInstanceCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import pg from 'pg'
import { Consumer, openWalSender } from '../support/consumer.ts'
import { createInstance, describe, instanceIn, PASSWORD, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient
let instance: DBInstance
let ca: string

before(async () => {
  holdfast = await startHoldfast()
  rds = holdfast.rds()
  ca = await (await fetch(`${holdfast.url}/_holdfast/ca.pem`)).text()
  await rds.send(
    new CreateDBParameterGroupCommand({
      DBParameterGroupName: 'logical',
      DBParameterGroupFamily: 'postgres18',
      Description: 'logical',
    }),
  )
  await setParameter('1')
  instance = await createInstance(rds, 'source', { DBParameterGroupName: 'logical', BackupRetentionPeriod: 0 })
})
after(() => discard(holdfast))

const sql = <Row extends pg.QueryResultRow>(text: string, on = instance): Promise<Row[]> => query(holdfast, on, text)

const login = (user = 'consumer'): pg.ClientConfig => ({
  host: instance.Endpoint!.Address!,
  port: instance.Endpoint!.Port!,
  user,
  password: PASSWORD,
  database: 'postgres',
  ssl: { ca, servername: instance.Endpoint!.Address! },
})

async function setParameter(value: '0' | '1'): Promise<void> {
  const parameter = { ParameterName: 'rds.logical_replication', ParameterValue: value }
  const Parameters = [{ ...parameter, ApplyMethod: 'pending-reboot' as const }]
  await rds.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName: 'logical', Parameters }))
}

/** Its next start takes the value. */
async function restartWith(value: '0' | '1'): Promise<void> {
  await setParameter(value)
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'source' }))
}

const available = (id: string): Promise<DBInstance> => instanceIn(rds, id, 'available')

const admitted = async (): Promise<string[]> =>
  (await sql<{ name: string }>('select rolname as name from pg_roles where rolreplication order by 1')).map(
    ({ name }) => name,
  )

const admittedAre = (names: readonly string[]): Promise<true> =>
  eventually(`${names.join(', ')} may consume`, async () =>
    assert.deepEqual(await admitted(), names) === undefined ? true : undefined,
  )

test('the master user and whoever is given rds_replication may consume, nobody else, and not for longer', async () => {
  await admittedAre(['app', 'rdsadmin'])
  await sql(`create role consumer login password '${PASSWORD}'; create role other login replication`)
  await admittedAre(['app', 'rdsadmin'])
  await sql('create role team nologin; grant rds_replication to team; grant team to consumer')
  await admittedAre(['app', 'consumer', 'rdsadmin'])
  await sql('revoke rds_replication from team')
  await admittedAre(['app', 'rdsadmin'])
  await sql('grant rds_replication to consumer')
  await admittedAre(['app', 'consumer', 'rdsadmin'])
})

test('a consumer reads what is committed, and after a kill -9 of the engine goes on without a gap', async () => {
  await sql('create table t (n int)')
  const slots = await openWalSender(login())
  await slots.query('CREATE_REPLICATION_SLOT "s" LOGICAL "test_decoding"')
  await slots.end()
  const seen: string[] = []
  let at = 0n
  const open = (): Promise<Consumer> =>
    eventually('a consumer', () =>
      Consumer.open(login(), { slot: 's', from: at }, ({ lines, lsn }) => {
        seen.push(...lines)
        at = lsn
      }),
    )
  const consumer = await open()
  const sees = (n: number): Promise<true> =>
    eventually(`row ${n}`, () => seen.includes(`table public.t: INSERT: n[integer]:${n}`) || undefined)
  await sql('insert into t values (1)')
  await sees(1)
  const folder = join(holdfast.state, 'hosts', 'a', 'instances', instance.DbiResourceId!)
  process.kill(Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]), 'SIGKILL')
  await consumer.ended
  await eventually('another row', () => sql('insert into t values (2)'))
  const next = await open()
  await sees(2)
  next.close()
  assert.deepEqual(new Set(seen), new Set([1, 2].map((n) => `table public.t: INSERT: n[integer]:${n}`)))
})

test('the role opens neither the log nor a copy of the whole instance, and no consumer counts as a standby', async () => {
  const physical = new pg.Client({ ...login(), replication: 'true' } as pg.ClientConfig)
  await assert.rejects(physical.connect(), /pg_hba\.conf rejects replication connection/)
  const cut = { code: '57P01' }
  const logReader = await openWalSender(login())
  const [end] = await sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  await assert.rejects(logReader.query(`START_REPLICATION PHYSICAL ${end!.lsn}`), cut)
  const copier = await openWalSender(login())
  // Slowly enough to be seen.
  await assert.rejects(copier.query('BASE_BACKUP (MAX_RATE 32)'), cut)
  assert.deepEqual(await admitted(), ['app', 'consumer', 'rdsadmin'], 'the role itself stays')
})

test('another instance subscribes to a publication', async () => {
  const target = await createInstance(rds, 'target', { BackupRetentionPeriod: 0 })
  await sql('create publication p for table t')
  await sql('grant select on t to consumer')
  await sql('create table t (n int)', target)
  const { Address, Port } = instance.Endpoint!
  const connection = `host=${Address} port=${Port} dbname=postgres user=consumer password=${PASSWORD} sslmode=require`
  await sql(`create subscription sub connection '${connection}' publication p`, target)
  await sql('insert into t values (3)')
  await eventually('the rows arrive', async () => {
    const rows = await sql('select n from t order by n', target)
    return assert.deepEqual(rows, [{ n: 1 }, { n: 2 }, { n: 3 }]) === undefined ? true : undefined
  })
  await sql('drop subscription sub', target)
  assert.deepEqual(await sql('select slot_name from pg_replication_slots'), [{ slot_name: 's' }])
})

test('a restored snapshot has no slots', async () => {
  await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'source', DBSnapshotIdentifier: 'copy' }))
  await eventually('the snapshot', async () => {
    const { DBSnapshots } = await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: 'copy' }))
    return DBSnapshots![0]!.Status === 'available' || undefined
  })
  await rds.send(
    new RestoreDBInstanceFromDBSnapshotCommand({
      DBInstanceIdentifier: 'restored',
      DBSnapshotIdentifier: 'copy',
      DBParameterGroupName: 'logical',
    }),
  )
  const restored = await available('restored')
  assert.deepEqual(await sql(`select slot_name from pg_replication_slots where slot_type = 'logical'`, restored), [])
  assert.deepEqual(await sql('select count(*)::int as n from t', restored), [{ n: 3 }])
})

test('decoding cannot be turned off under a slot, and is off for everybody once there is none', async () => {
  assert.deepEqual(await sql('show wal_level'), [{ wal_level: 'logical' }])
  await restartWith('0')
  const refused = await eventually('a refusal', async () => {
    const found = await describe(rds, 'source')
    return found?.DBInstanceStatus === 'incompatible-parameters' ? found : undefined
  })
  assert.match(refused.StatusInfos?.[0]?.Message ?? '', /logical replication slot "s" exists/)
  await restartWith('1')
  await available('source')
  await sql(`select pg_drop_replication_slot('s')`)
  await restartWith('0')
  await available('source')
  await admittedAre(['rdsadmin'])
  await assert.rejects(sql(`select pg_create_logical_replication_slot('s', 'pgoutput')`), { code: '42501' })
})
