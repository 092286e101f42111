/** Read replicas while their makers, their sources and they themselves die, hang, fail over and go. */
import assert from 'node:assert/strict'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBInstanceReadReplicaCommand,
  CreateDBParameterGroupCommand,
  DeleteDBInstanceCommand,
  RebootDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import {
  connect,
  createInstance,
  deleteInstance,
  describe,
  instanceGone,
  instanceIn,
  query,
} from '../support/database.ts'
import { engineOf as engineIn, treeOf, zoneOf } from '../support/processes.ts'
import { fallBehind, keepLittleLog, receiverOf } from '../support/fall-behind.ts'
import { discard, eventually, health, processesOf, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast()
  rds = holdfast.rds()
  await withTable('source')
})

after(() => discard(holdfast))

async function withTable(id: string, more: object = {}): Promise<DBInstance> {
  const made = await createInstance(rds, id, { BackupRetentionPeriod: 1, ...more })
  await query(holdfast, made, 'create table t (n int primary key)')
  return made
}

const isReplicating = ({ StatusInfos }: DBInstance): boolean =>
  StatusInfos!.some(({ StatusType, Status }) => StatusType === 'read replication' && Status === 'replicating')

/** A backup of the source may be under way: it cannot be a source then. */
const ask = (id: string, source: string): Promise<boolean> =>
  eventually(`a replica ${id} asked for`, async () => {
    await instanceIn(rds, source, 'available')
    const input = { DBInstanceIdentifier: id, SourceDBInstanceIdentifier: source }
    await rds.send(new CreateDBInstanceReadReplicaCommand(input))
    return true
  })

const replicates = (id: string): Promise<DBInstance> => instanceIn(rds, id, 'available', isReplicating)

let rows = 0
async function write(id: string): Promise<number> {
  await query(holdfast, (await describe(rds, id))!, `insert into t values (${++rows})`)
  return rows
}

const has = (id: string, n: number): Promise<true> =>
  eventually(`row ${n} at ${id}`, async () => {
    const found = await query(holdfast, (await describe(rds, id))!, `select 1 from t where n = ${n}`)
    return found.length > 0 ? true : undefined
  })

const slotsOf = async (id: string): Promise<string[]> => {
  const sql = `select slot_name as name from pg_replication_slots where slot_name like 'holdfast\\_r%'`
  return (await query<{ name: string }>(holdfast, (await describe(rds, id))!, sql)).map(({ name }) => name)
}

const seeds = async (): Promise<string[]> =>
  (await readdir(join(holdfast.state, 'snapshots')).catch(() => [])).filter((name) => name.startsWith('seed-'))

async function engineOf(instance: DBInstance): Promise<number> {
  const folder = join('instances', instance.DbiResourceId!, 'data')
  const found = (await processesOf(folder)).find(({ command }) => command.includes(holdfast.state))
  assert.ok(found, `an engine of ${instance.DBInstanceIdentifier}`)
  return found.pid
}

const agentOf = async (zone: string): Promise<number | undefined> =>
  (await health(holdfast)).zones.find((one) => one.zone === zone)?.agent?.pid

test('two replicas that are asked for at once are both made, also while their agents are killed', async () => {
  await Promise.all([ask('one', 'source'), ask('two', 'source')])
  for (const zone of ['a', 'b']) {
    const pid = await eventually(`the agent of ${zone}`, () => agentOf(zone))
    process.kill(pid, 'SIGKILL')
  }
  const row = await write('source')
  for (const id of ['one', 'two']) {
    await replicates(id)
    await has(id, row)
  }
  assert.deepEqual((await describe(rds, 'source'))!.ReadReplicaDBInstanceIdentifiers!.toSorted(), ['one', 'two'])
  assert.deepEqual(await seeds(), [])
})

test('a source whose replica hangs goes on, and the replica catches up', async () => {
  const [receiver] = await query<{ pid: number }>(
    holdfast,
    (await describe(rds, 'one'))!,
    'select pid from pg_stat_wal_receiver',
  )
  process.kill(receiver!.pid, 'SIGSTOP')
  const row = await write('source')
  await has('two', row)
  process.kill(receiver!.pid, 'SIGCONT')
  await replicates('one')
  await has('one', row)
})

test('a source that is killed under load leaves replicas with what it acknowledged, once it is back', async () => {
  const client = await connect(holdfast, (await describe(rds, 'source'))!)
  client.on('error', () => {})
  let acknowledged = rows
  const traffic = (async () => {
    for (;;) {
      await client.query(`insert into t values (${acknowledged + 1})`)
      acknowledged++
    }
  })().catch(() => {})
  await eventually('some traffic', () => (acknowledged > rows + 50 ? true : undefined))
  process.kill(await engineOf((await describe(rds, 'source'))!), 'SIGKILL')
  await traffic
  await instanceIn(rds, 'source', 'available')
  rows = acknowledged + 1
  for (const id of ['one', 'two']) {
    await has(id, acknowledged)
    await replicates(id)
    const [found] = await query<{ n: number }>(
      holdfast,
      (await describe(rds, id))!,
      `select count(*)::int as n from t where n <= ${acknowledged}`,
    )
    assert.equal(found!.n, acknowledged)
  }
})

test('a replica that is deleted while it is made leaves no slot and no copy', async () => {
  await deleteInstance(rds, 'two')
  await ask('gone', 'source')
  await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'gone', SkipFinalSnapshot: true }))
  await instanceGone(rds, 'gone')
  await eventually('one slot', async () => ((await slotsOf('source')).length === 1 ? true : undefined))
  await eventually('no copy', async () => ((await seeds()).length === 0 ? true : undefined))
})

test('a replica whose source is deleted while it is made becomes an instance or says that it failed, and can be deleted', async () => {
  await withTable('brief')
  await ask('orphan', 'brief')
  await deleteInstance(rds, 'brief')
  const orphan = await eventually('an end', async () => {
    const found = (await describe(rds, 'orphan'))!
    const isDone = found.DBInstanceStatus === 'failed' || found.DBInstanceStatus === 'available'
    return isDone && found.ReadReplicaSourceDBInstanceIdentifier === undefined ? found : undefined
  })
  if (orphan.DBInstanceStatus === 'available') {
    const promoted = await instanceIn(rds, 'orphan', 'available', ({ StatusInfos }) => StatusInfos!.length === 0)
    await query(holdfast, promoted, 'insert into t values (1)')
  }
  await deleteInstance(rds, 'orphan')
  assert.deepEqual(await seeds(), [])
})

/** In the data of a copy; another copy has it not. */
const markerOf = (instance: DBInstance, zone: string): string =>
  join(holdfast.state, 'hosts', zone, 'instances', instance.DbiResourceId!, 'data', 'marker')

/** What the source has of its log begins behind what the replica has applied. */
const lacksLog = (source: DBInstance, replica: DBInstance): Promise<true> =>
  eventually('a source that has removed log', async () => {
    await query(holdfast, source, 'checkpoint')
    const [at] = await query<{ lsn: string }>(holdfast, replica, 'select pg_last_wal_replay_lsn() as lsn')
    const [oldest] = await query<{ isLater: boolean }>(
      holdfast,
      source,
      `select min(right(name, 16)) > right(pg_walfile_name('${at!.lsn}'), 16) as "isLater"
         from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$'`,
    )
    return oldest!.isLater ? true : undefined
  })

test('replicas follow a Multi-AZ source to its standby, also one that lacks log of before', async () => {
  const group = { DBParameterGroupName: 'little-log', DBParameterGroupFamily: 'postgres18', Description: 'test' }
  await rds.send(new CreateDBParameterGroupCommand(group))
  await keepLittleLog(rds, 'little-log')
  await withTable('pair', { MultiAZ: true, DBParameterGroupName: 'little-log' })
  const before = await instanceIn(rds, 'pair', 'available', ({ MultiAZ }) => MultiAZ === true)
  await ask('reader', 'pair')
  await replicates('reader')
  await has('reader', await write('pair'))
  const reader = (await describe(rds, 'reader'))!
  const marker = markerOf(reader, zoneOf(reader))
  await writeFile(marker, '')
  const goOn = await fallBehind(holdfast, before, [await receiverOf(holdfast, reader)])
  await write('pair')
  await eventually('a failover', async () => {
    await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'pair', ForceFailover: true }))
    return true
  })
  await instanceIn(rds, 'pair', 'available', ({ AvailabilityZone }) => AvailabilityZone !== before.AvailabilityZone)
  const row = await write('pair')
  await lacksLog((await describe(rds, 'pair'))!, reader)
  goOn()
  await has('reader', row)
  await replicates('reader')
  const all = 'select count(*)::int as n, sum(n)::int as sum from t'
  assert.deepEqual(await query(holdfast, reader, all), await query(holdfast, (await describe(rds, 'pair'))!, all))
  assert.ok(await stat(marker), 'it is the copy that it was')
})

test('the standby of that source, which lacks log too, is given it out of the archive', async () => {
  const isRedundant = ({ MultiAZ }: DBInstance): boolean => MultiAZ === true
  const pair = await instanceIn(rds, 'pair', 'available', isRedundant)
  const zone = pair.SecondaryAvailabilityZone!.at(-1)!
  const marker = markerOf(pair, zone)
  await writeFile(marker, '')
  const engine = await engineIn(holdfast.state, zone, pair)
  const goOn = await fallBehind(holdfast, pair, await treeOf(engine))
  await write('pair')
  assert.equal((await describe(rds, 'pair'))!.MultiAZ, false)
  goOn()
  await instanceIn(rds, 'pair', 'available', isRedundant)
  assert.equal(await engineIn(holdfast.state, zone, pair), engine)
  assert.ok(await stat(marker), 'it is the copy that it was')
})
