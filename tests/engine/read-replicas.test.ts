/** Read replicas of real PostgreSQL, through the SDK and a real client. */
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBInstanceReadReplicaCommand,
  CreateDBParameterGroupCommand,
  CreateDBSnapshotCommand,
  DeleteDBInstanceCommand,
  DescribeEventsCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  PromoteReadReplicaCommand,
  RebootDBInstanceCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  StopDBInstanceCommand,
  SwitchoverReadReplicaCommand,
  type CreateDBInstanceReadReplicaCommandInput,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { connect, createInstance, deleteInstance, describe, instanceIn, PASSWORD, query } from '../support/database.ts'
import { fallBehind, keepLittleLog, keepsLittleLog, receiverOf } from '../support/fall-behind.ts'
import { freePort } from '../support/free-port.ts'
import { discard, eventually, processesOf, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient
let source: DBInstance

const isReplicating = ({ StatusInfos }: DBInstance): boolean =>
  StatusInfos!.some(
    ({ StatusType, Status, Normal }) =>
      StatusType === 'read replication' && Status === 'replicating' && Normal === true,
  )

async function replicate(
  id: string,
  of: string,
  more: Partial<CreateDBInstanceReadReplicaCommandInput> = {},
  client = rds,
): Promise<DBInstance> {
  await client.send(
    new CreateDBInstanceReadReplicaCommand({ DBInstanceIdentifier: id, SourceDBInstanceIdentifier: of, ...more }),
  )
  return instanceIn(client, id, 'available', isReplicating)
}

const sql = <Row extends Record<string, unknown>>(instance: DBInstance, text: string): Promise<Row[]> =>
  query<Row>(holdfast, instance, text)

/** A row with this number that was written to the source is read from the replica. */
let written = 0
async function write(): Promise<number> {
  await sql(source, `insert into t values (${++written})`)
  return written
}
const reads = (instance: DBInstance, n: number): Promise<true> =>
  eventually(`row ${n} on ${instance.DBInstanceIdentifier}`, async () =>
    (await sql(instance, `select 1 from t where n = ${n}`)).length > 0 ? true : undefined,
  )

const STOPPED = 'Replication for the Read Replica stopped'
const RESUMED = 'Replication for the Read Replica resumed'
const TERMINATED = 'Replication for the Read Replica terminated'

const eventsOf = async (id: string, client = rds): Promise<string[]> => {
  const query = { SourceIdentifier: id, SourceType: 'db-instance' as const, Duration: 600 }
  return (await client.send(new DescribeEventsCommand(query))).Events!.map(({ Message }) => Message!)
}
const told = (id: string, event: string, times = 1): Promise<true> =>
  eventually(`${times} × ${event} of ${id}`, async () =>
    (await eventsOf(id)).filter((one) => one === event).length >= times ? true : undefined,
  )

const fails = (name: string, message: RegExp): { name: string; message: RegExp } => ({ name, message })

const folderOf = (instance: DBInstance, zone: string): string =>
  join(holdfast.state, 'hosts', zone, 'instances', instance.DbiResourceId!, 'data')

/** The postmaster in this data folder. */
async function engineOf(folder: string): Promise<number> {
  const found = (await processesOf(folder)).find(({ command }) => /postgres /.test(command))
  assert.ok(found, `an engine runs in ${folder}`)
  return found.pid
}

before(async () => {
  holdfast = await startHoldfast()
  rds = holdfast.rds()
  source = await createInstance(rds, 'source', { BackupRetentionPeriod: 1 })
  await sql(source, 'create table t (n int primary key)')
})

after(() => discard(holdfast))

test('a replica in another zone shows what its source commits, and takes no writes', async () => {
  const replica = await replicate('reader', 'source')
  assert.equal(replica.ReadReplicaSourceDBInstanceIdentifier, 'source')
  assert.notEqual(replica.AvailabilityZone, source.AvailabilityZone)
  assert.notEqual(replica.Endpoint!.Port, source.Endpoint!.Port)
  assert.equal(replica.BackupRetentionPeriod, 0)
  assert.deepEqual((await describe(rds, 'source'))!.ReadReplicaDBInstanceIdentifiers, ['reader'])
  await reads(replica, await write())
  await assert.rejects(sql(replica, 'insert into t values (0)'), /read-only transaction/)
  await told('reader', RESUMED)
})

test('what AWS refuses of replicas and of their sources is refused, and changes nothing', async () => {
  const reader = { DBInstanceIdentifier: 'reader' }
  const origin = { DBInstanceIdentifier: 'source' }
  await assert.rejects(
    rds.send(new StopDBInstanceCommand(reader)),
    fails('InvalidDBInstanceStateFault', /Read-Replica/),
  )
  await assert.rejects(
    rds.send(new StopDBInstanceCommand(origin)),
    fails('InvalidDBInstanceStateFault', /source of read replicas/),
  )
  await assert.rejects(
    rds.send(new ModifyDBInstanceCommand({ ...reader, MasterUserPassword: PASSWORD, ApplyImmediately: true })),
    fails('InvalidParameterCombination', /physical replication/),
  )
  await assert.rejects(
    rds.send(new ModifyDBInstanceCommand({ ...origin, BackupRetentionPeriod: 0, ApplyImmediately: true })),
    fails('InvalidParameterCombination', /backups cannot be disabled/),
  )
  await assert.rejects(
    rds.send(new DeleteDBInstanceCommand({ ...reader, FinalDBSnapshotIdentifier: 'last' })),
    fails('InvalidParameterCombination', /replica instance/),
  )
  await assert.rejects(
    rds.send(new SwitchoverReadReplicaCommand(reader)),
    fails('InvalidDBInstanceStateFault', /Oracle/),
  )
  await assert.rejects(
    rds.send(new PromoteReadReplicaCommand(origin)),
    fails('InvalidDBInstanceStateFault', /not a read replica/),
  )
  await instanceIn(rds, 'reader', 'available', isReplicating)
})

test('a replica of a replica follows it; a snapshot of a replica can be restored as an instance of its own', async () => {
  await assert.rejects(
    rds.send(
      new CreateDBInstanceReadReplicaCommand({ DBInstanceIdentifier: 'leaf', SourceDBInstanceIdentifier: 'reader' }),
    ),
    fails('InvalidDBInstanceStateFault', /Automated backups are not enabled/),
  )
  await rds.send(
    new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'reader', BackupRetentionPeriod: 1, ApplyImmediately: true }),
  )
  await instanceIn(rds, 'reader', 'available', ({ BackupRetentionPeriod }) => BackupRetentionPeriod === 1)
  const leaf = await replicate('leaf', 'reader')
  const row = await write()
  await reads(leaf, row)
  assert.deepEqual((await describe(rds, 'reader'))!.ReadReplicaDBInstanceIdentifiers, ['leaf'])

  await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'leaf', DBSnapshotIdentifier: 'leaf-snap' }))
  await instanceIn(rds, 'leaf', 'available')
  await rds.send(
    new RestoreDBInstanceFromDBSnapshotCommand({ DBInstanceIdentifier: 'alone', DBSnapshotIdentifier: 'leaf-snap' }),
  )
  const alone = await instanceIn(rds, 'alone', 'available')
  assert.equal(alone.ReadReplicaSourceDBInstanceIdentifier, undefined)
  await reads(alone, row)
  await sql(alone, 'insert into t values (-1)')
  await deleteInstance(rds, 'alone')
})

test('a replica in another region names its source by ARN, and its source it', async () => {
  const west = holdfast.rds({ region: 'us-west-2' })
  await assert.rejects(
    west.send(
      new CreateDBInstanceReadReplicaCommand({ DBInstanceIdentifier: 'far', SourceDBInstanceIdentifier: 'source' }),
    ),
    fails('DBInstanceNotFoundFault', /not found/),
  )
  const far = await replicate('far', source.DBInstanceArn!, { AvailabilityZone: 'us-west-2c' }, west)
  assert.equal(far.ReadReplicaSourceDBInstanceIdentifier, source.DBInstanceArn)
  assert.equal(far.AvailabilityZone, 'us-west-2c')
  assert.deepEqual(
    (await describe(rds, 'source'))!.ReadReplicaDBInstanceIdentifiers!.toSorted(),
    [far.DBInstanceArn, 'reader'].toSorted(),
  )
  await reads(far, await write())
})

test('replicas find a source again that has restarted, has another port and another name', async () => {
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'source' }))
  await instanceIn(rds, 'source', 'available')
  await reads((await describe(rds, 'reader'))!, await write())
  const port = await freePort()
  await rds.send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: 'source',
      DBPortNumber: port,
      NewDBInstanceIdentifier: 'origin',
      ApplyImmediately: true,
    }),
  )
  source = await instanceIn(rds, 'origin', 'available')
  assert.equal(source.Endpoint!.Port, port)
  const reader = await instanceIn(rds, 'reader', 'available', isReplicating)
  assert.equal(reader.ReadReplicaSourceDBInstanceIdentifier, 'origin')
  await reads(reader, await write())
  await told('reader', STOPPED)
  await told('reader', RESUMED, 2)
})

test('a source that allows more connections takes its replicas with it', async () => {
  await rds.send(
    new CreateDBParameterGroupCommand({
      DBParameterGroupName: 'more',
      DBParameterGroupFamily: 'postgres18',
      Description: 'test',
    }),
  )
  await rds.send(
    new ModifyDBParameterGroupCommand({
      DBParameterGroupName: 'more',
      Parameters: [{ ParameterName: 'max_connections', ParameterValue: '333', ApplyMethod: 'pending-reboot' }],
    }),
  )
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'origin', DBParameterGroupName: 'more' }))
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'origin' }))
  source = await instanceIn(rds, 'origin', 'available')
  const row = await write()
  for (const id of ['reader', 'leaf']) {
    await eventually(`${id} with room for as many`, async () => {
      const [found] = await sql<{ n: string }>(
        (await describe(rds, id))!,
        `select current_setting('max_connections') as n`,
      )
      return found!.n === '333' ? true : undefined
    })
    await reads(await instanceIn(rds, id, 'available', isReplicating), row)
  }
})

test('a replica that somebody made a primary is made anew', async () => {
  const reader = (await describe(rds, 'reader'))!
  const folder = folderOf(reader, reader.AvailabilityZone!.at(-1)!)
  const pid = await engineOf(folder)
  // It takes writes for some seconds only: a session that is there already does not miss them, however slow new ones are.
  const session = await connect(holdfast, reader)
  session.on('error', () => {})
  await writeFile(join(folder, 'promote'), '')
  process.kill(pid, 'SIGUSR1')
  await eventually('a replica that takes writes', () => session.query('insert into t values (-2)'))
  await session.end().catch(() => {})
  await eventually('another engine', async () => ((await engineOf(folder)) === pid ? undefined : true))
  const again = await instanceIn(rds, 'reader', 'available', isReplicating)
  await reads(again, await write())
  assert.deepEqual(await sql(again, 'select 1 from t where n = -2'), [])
  // Those that followed it have seen what never was.
  await reads(await instanceIn(rds, 'leaf', 'available', isReplicating), await write())
  assert.deepEqual(await sql((await describe(rds, 'leaf'))!, 'select 1 from t where n = -2'), [])
})

test('a promoted replica has all its source had, takes writes, has backups, and keeps its own replicas', async () => {
  const row = await write()
  await reads((await describe(rds, 'reader'))!, row)
  await rds.send(new PromoteReadReplicaCommand({ DBInstanceIdentifier: 'reader', BackupRetentionPeriod: 3 }))
  const promoted = await instanceIn(
    rds,
    'reader',
    'available',
    (i) => i.ReadReplicaSourceDBInstanceIdentifier === undefined,
  )
  assert.equal(promoted.BackupRetentionPeriod, 3)
  assert.deepEqual(promoted.StatusInfos, [])
  assert.deepEqual(promoted.ReadReplicaDBInstanceIdentifiers, ['leaf'])
  const [count] = await sql<{ n: number }>(promoted, 'select count(*)::int as n from t where n > 0')
  assert.equal(count!.n, row)
  await sql(promoted, 'insert into t values (1000000)')
  await reads((await describe(rds, 'leaf'))!, 1_000_000)
  await eventually('the slot gone', async () => {
    const slots = await sql<{ n: number }>(
      source,
      `select count(*)::int as n from pg_replication_slots where slot_name like 'holdfast\\_r%'`,
    )
    return slots[0]!.n === 1 ? true : undefined
  })
})

/** Changes a byte of every piece of the archive with log of the segment that the replica applies next. */
async function damageNextSegment(replica: DBInstance): Promise<void> {
  const [at] = await sql<{ lsn: string }>(replica, `select (pg_last_wal_replay_lsn() - '0/0')::bigint::text as lsn`)
  const segment = BigInt(at!.lsn) / SEGMENT
  const [region, account, id] = [
    source.DBInstanceArn!.split(':')[3]!,
    source.DBInstanceArn!.split(':')[4]!,
    source.DbiResourceId!,
  ]
  const log = join(holdfast.state, 'archive', region, account, id, 'log', '00000001')
  const names = (await readdir(log)).filter((name) => BigInt(`0x${name.slice(0, 16)}`) / SEGMENT === segment)
  assert.ok(names.length > 0, 'the archive has the segment')
  for (const name of names) {
    const bytes = await readFile(join(log, name))
    bytes[bytes.length >> 1]! ^= 1
    await writeFile(join(log, name), bytes)
  }
}
const SEGMENT = 16n * 1_024n * 1_024n

test('a replica that fell behind the log that is kept for it catches up from the archive, and is not made anew', async () => {
  const near = await replicate('near', 'origin')
  await keepLittleLog(rds, 'more')
  await keepsLittleLog(holdfast, source)
  const folder = folderOf(near, near.AvailabilityZone!.at(-1)!)
  await writeFile(join(folder, 'marker'), '')
  const pid = await engineOf(folder)
  const goOn = await fallBehind(holdfast, source, [await receiverOf(holdfast, near)])
  const row = await write()
  goOn()
  await reads(near, row)
  await reads(await instanceIn(rds, 'near', 'available', isReplicating), await write())
  assert.equal(await engineOf(folder), pid)
  assert.ok((await readdir(folder)).includes('marker'), 'the copy that it began with')
  // Attempts that are refused are no replication.
  assert.deepEqual(
    (await eventsOf('near')).filter((event) => [STOPPED, RESUMED].includes(event)),
    [RESUMED, STOPPED, RESUMED],
  )
  const count = 'select count(*)::int as n, max(n) as last from t where n > 0'
  assert.deepEqual(await sql(near, count), await sql(source, count))
})

test('one for which the archive is damaged is made anew', async () => {
  const near = await instanceIn(rds, 'near', 'available', isReplicating)
  const folder = folderOf(near, near.AvailabilityZone!.at(-1)!)
  const pid = await engineOf(folder)
  const goOn = await fallBehind(holdfast, source, [await receiverOf(holdfast, near)])
  await damageNextSegment(near)
  goOn()
  await eventually('another engine', async () => ((await engineOf(folder)) === pid ? undefined : true))
  await reads(await instanceIn(rds, 'near', 'available', isReplicating), await write())
  assert.equal((await readdir(folder)).includes('marker'), false)
})

test('of the replicas of a deleted source, those in its region become instances, others follow nobody any more', async () => {
  const west = holdfast.rds({ region: 'us-west-2' })
  const row = await write()
  await reads((await describe(west, 'far'))!, row)
  await reads((await describe(rds, 'near'))!, row)
  await deleteInstance(rds, 'origin')
  // Until it is promoted, soon after its source is gone, it is an available replica that follows nobody.
  const near = await instanceIn(rds, 'near', 'available', (i) => i.StatusInfos!.length === 0)
  await sql(near, 'insert into t values (-3)')
  await reads(near, row)
  const far = await instanceIn(west, 'far', 'available', ({ StatusInfos }) => StatusInfos![0]?.Status === 'terminated')
  assert.equal(far.StatusInfos![0]!.Normal, false)
  await reads(far, row)
  await assert.rejects(sql(far, 'insert into t values (-3)'), /read-only transaction/)
  assert.ok((await eventsOf('far', west)).includes(TERMINATED))
  await west.send(new PromoteReadReplicaCommand({ DBInstanceIdentifier: 'far' }))
  const promoted = await instanceIn(west, 'far', 'available', (i) => i.StatusInfos!.length === 0)
  await sql(promoted, 'insert into t values (-3)')
})

test('a deleted replica leaves no slot at its source, and nothing on disk', async () => {
  await deleteInstance(rds, 'leaf')
  await eventually('no slot', async () => {
    const rows = await sql(
      (await describe(rds, 'reader'))!,
      `select 1 from pg_replication_slots where slot_name like 'holdfast\\_r%'`,
    )
    return rows.length === 0 ? true : undefined
  })
  assert.deepEqual((await describe(rds, 'reader'))!.ReadReplicaDBInstanceIdentifiers, [])
})
