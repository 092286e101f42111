/** Multi-AZ instances on real PostgreSQL: two copies, one address, and what happens when the primary is gone. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  DescribeEventsCommand,
  ModifyDBInstanceCommand,
  RebootDBInstanceCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import pg from 'pg'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import { createInstance, deleteInstance, describe, instanceIn, PASSWORD, query } from '../support/database.ts'
import { engineOf, treeOf, zoneOf } from '../support/processes.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast()
  rds = holdfast.rds()
})
after(() => discard(holdfast))

const isRedundant = (instance: DBInstance): boolean => instance.MultiAZ === true

const redundant = (id: string): Promise<DBInstance> => instanceIn(rds, id, 'available', isRedundant)

const engineIn = (zone: string, instance: DBInstance): Promise<number> => engineOf(holdfast.state, zone, instance)

async function eventsOf(id: string): Promise<string[]> {
  const { Events } = await rds.send(
    new DescribeEventsCommand({ SourceType: 'db-instance', SourceIdentifier: id, Duration: 60 }),
  )
  return Events!.map(({ Message }) => Message!)
}

test('kill -9 of the primary: the standby takes over under the same address, with all that was acknowledged', async () => {
  await createInstance(rds, 'killed', { MultiAZ: true, BackupRetentionPeriod: 0 })
  const instance = await redundant('killed')
  await query(holdfast, instance, 'create table written (n int primary key)')
  await using writer = new AcknowledgedInserts(holdfast, instance)
  await writer.more(50)
  process.kill(await engineIn(zoneOf(instance), instance), 'SIGKILL')
  await writer.more(50)
  await writer.stop()
  const now = await redundant('killed')
  assert.equal(zoneOf(now), 'b')
  assert.equal(now.SecondaryAvailabilityZone!.at(-1), 'a')
  assert.deepEqual(now.Endpoint, instance.Endpoint)
  await writer.assertKept()
  const events = await eventsOf('killed')
  assert.ok(
    events.some((text) => text.startsWith('Multi-AZ instance failover started')),
    events.join('\n'),
  )
  assert.ok(events.includes('Multi-AZ instance failover completed'), events.join('\n'))
  await deleteInstance(rds, 'killed')
})

test('one copy becomes two and one again while a load runs, and not one transaction fails', async () => {
  const instance = await createInstance(rds, 'converted', { BackupRetentionPeriod: 0 })
  await query(holdfast, instance, 'create table written (n int primary key)')
  await using writer = new AcknowledgedInserts(holdfast, instance)
  await writer.more(20)
  const modify = (MultiAZ: boolean): Promise<unknown> =>
    rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'converted', MultiAZ, ApplyImmediately: true }))
  await modify(true)
  const two = await redundant('converted')
  await writer.more(20)
  await modify(false)
  await instanceIn(rds, 'converted', 'available', (one) => one.SecondaryAvailabilityZone === undefined)
  await writer.more(20)
  await writer.stop()
  assert.equal(writer.failures, 0)
  assert.deepEqual(two.Endpoint, instance.Endpoint)
  await writer.assertKept()
  await deleteInstance(rds, 'converted')
})

test('a converted instance fails over to a gateway at the same address', async () => {
  await createInstance(rds, 'moved', { BackupRetentionPeriod: 0 })
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'moved', MultiAZ: true, ApplyImmediately: true }))
  const instance = await redundant('moved')
  await query(holdfast, instance, 'create table kept as select 42 as answer')
  process.kill(await engineIn('a', instance), 'SIGKILL')
  const now = await instanceIn(rds, 'moved', 'available', (one) => zoneOf(one) === 'b')
  assert.deepEqual(await query(holdfast, now, 'select answer from kept'), [{ answer: 42 }])
  assert.deepEqual(now.Endpoint, instance.Endpoint)
  await redundant('moved')
  await deleteInstance(rds, 'moved')
})

test('a forced failover, back again, and a stop and start: the same address and the same data', async () => {
  await createInstance(rds, 'forced', { MultiAZ: true, BackupRetentionPeriod: 0 })
  const instance = await redundant('forced')
  await query(holdfast, instance, 'create table written (n int primary key)')
  await using writer = new AcknowledgedInserts(holdfast, instance)
  await writer.more(20)
  for (const zone of ['b', 'a']) {
    await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'forced', ForceFailover: true }))
    await instanceIn(rds, 'forced', 'available', (now) => zoneOf(now) === zone && isRedundant(now))
    await writer.more(20)
  }
  await writer.stop()
  await rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'forced' }))
  await instanceIn(rds, 'forced', 'stopped')
  await rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'forced' }))
  await redundant('forced')
  await writer.assertKept()
  await deleteInstance(rds, 'forced')
})

test('a standby that is silent is not waited for, is said to be gone, and comes back by itself', async () => {
  await createInstance(rds, 'alone', { MultiAZ: true, BackupRetentionPeriod: 0 })
  const instance = await redundant('alone')
  await query(holdfast, instance, 'create table written (n int primary key)')
  await using writer = new AcknowledgedInserts(holdfast, instance)
  await writer.more(20)
  const silenced = await treeOf(await engineIn('b', instance))
  for (const pid of silenced) process.kill(pid, 'SIGSTOP')
  await eventually('the event', async () =>
    (await eventsOf('alone')).some((text) => text.includes('runs without its standby')) ? true : undefined,
  )
  await writer.more(20)
  assert.equal((await describe(rds, 'alone'))!.MultiAZ, false)
  for (const pid of silenced) process.kill(pid, 'SIGCONT')
  const now = await redundant('alone')
  await writer.stop()
  assert.equal(zoneOf(now), 'a')
  assert.equal(writer.failures, 0)
  await writer.assertKept()
  await deleteInstance(rds, 'alone')
})

test('a standby that dies comes back, and no transaction fails meanwhile', async () => {
  await createInstance(rds, 'brief', { MultiAZ: true, BackupRetentionPeriod: 0 })
  const instance = await redundant('brief')
  await query(holdfast, instance, 'create table written (n int primary key)')
  await using writer = new AcknowledgedInserts(holdfast, instance)
  await writer.more(20)
  const before = await engineIn('b', instance)
  process.kill(before, 'SIGKILL')
  await eventually('another engine', async () => ((await engineIn('b', instance)) === before ? undefined : true))
  await redundant('brief')
  await writer.more(20)
  await writer.stop()
  assert.equal(writer.failures, 0)
  await writer.assertKept()
  await deleteInstance(rds, 'brief')
})

test('a primary that hangs is replaced, and what its processes still do is acknowledged to nobody', async () => {
  await createInstance(rds, 'hung', { MultiAZ: true, BackupRetentionPeriod: 0 })
  const instance = await redundant('hung')
  await query(holdfast, instance, 'create table written (n int primary key)')
  await using writer = new AcknowledgedInserts(holdfast, instance)
  await writer.more(20)
  const hung = await engineIn('a', instance)
  process.kill(hung, 'SIGSTOP')
  await instanceIn(rds, 'hung', 'available', (one) => zoneOf(one) === 'b')
  await writer.more(20)
  await writer.stop()
  await writer.assertKept()
  assert.throws(() => process.kill(hung, 0), 'the old primary was ended')
  await redundant('hung')
  await deleteInstance(rds, 'hung')
})

test('with a password of its own a client reads nothing from the standby', async () => {
  const instance = await createInstance(rds, 'closed', { MultiAZ: true, BackupRetentionPeriod: 0 })
  const folder = join(holdfast.state, 'hosts', 'b', 'instances', instance.DbiResourceId!)
  const port = Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[3])
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'app',
    password: PASSWORD,
    database: 'postgres',
    ssl: { rejectUnauthorized: false },
  })
  await assert.rejects(client.connect(), /pg_hba/)
  assert.equal((await describe(rds, 'closed'))!.MultiAZ, true)
  await deleteInstance(rds, 'closed')
})
