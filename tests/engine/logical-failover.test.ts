/** Logical slots of a Multi-AZ instance: those that ask for it go on after a failover without a gap, and others are gone. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBParameterGroupCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  RebootDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import type pg from 'pg'
import { Consumer, openWalSender, type Change } from '../support/consumer.ts'
import { createInstance, instanceIn, PASSWORD, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient
let instance: DBInstance
let login: pg.ClientConfig

before(async () => {
  holdfast = await startHoldfast({ env: { HOLDFAST_FAILOVER_PAUSE_MS: '0' } })
  rds = holdfast.rds()
  const ca = await (await fetch(`${holdfast.url}/_holdfast/ca.pem`)).text()
  const group = { DBParameterGroupName: 'logical', DBParameterGroupFamily: 'postgres18', Description: 'logical' }
  await rds.send(new CreateDBParameterGroupCommand(group))
  const parameter = { ParameterName: 'rds.logical_replication', ParameterValue: '1' }
  const Parameters = [{ ...parameter, ApplyMethod: 'pending-reboot' as const }]
  await rds.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName: 'logical', Parameters }))
  const more = { DBParameterGroupName: 'logical', BackupRetentionPeriod: 0, MultiAZ: true }
  instance = await createInstance(rds, 'kept', more)
  login = {
    host: instance.Endpoint!.Address!,
    port: instance.Endpoint!.Port!,
    user: 'app',
    password: PASSWORD,
    database: 'postgres',
    ssl: { ca, servername: instance.Endpoint!.Address! },
  }
})
after(() => discard(holdfast))

const sql = <Row extends pg.QueryResultRow>(text: string): Promise<Row[]> => query(holdfast, instance, text)

const redundant = (zone: string): Promise<DBInstance> =>
  instanceIn(rds, 'kept', 'available', (i) => i.MultiAZ === true && i.AvailabilityZone!.endsWith(zone))

const dataIn = (zone: string): string =>
  join(holdfast.state, 'hosts', zone, 'instances', instance.DbiResourceId!, 'data')

/** Behind a header of 16 bytes, the name, of 64, and the database: how long the slot lives; 0 is for ever. PostgreSQL source: slot.c. */
const PERSISTENCY_AT = 84

const postmasterIn = async (zone: string): Promise<number> =>
  Number((await readFile(join(dataIn(zone), 'postmaster.pid'), 'utf8')).split('\n')[0])

/** The standby would go on with the slot. It shows its slots to nobody, but they are files. What is read moves the slot. */
const kept = (slot: string, zone: string, insert: () => Promise<unknown>): Promise<true> =>
  eventually(`the slot ${slot} in zone ${zone}`, async () => {
    const state = await readFile(join(dataIn(zone), 'pg_replslot', slot, 'state')).catch(() => undefined)
    if (state?.readUInt32LE(PERSISTENCY_AT) === 0) return true
    await insert()
    return undefined
  })

/** Reads one slot for ever, over whatever becomes of its connections, and remembers how far it came. */
class Reader {
  readonly rows: number[] = []
  private at = 0n
  private consumer: Consumer | null = null
  private readonly running: Promise<void>
  private isClosed = false

  constructor(slot: string) {
    this.running = this.run(slot)
  }

  sees = (n: number): Promise<true> => eventually(`row ${n}`, () => this.rows.includes(n) || undefined)

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true
    this.consumer?.close()
    await this.running
  }

  private async run(slot: string): Promise<void> {
    const take = ({ lines, lsn }: Change): void => {
      this.at = lsn
      for (const line of lines) {
        const [, n] = /^table public\.t: INSERT: n\[integer\]:(\d+)$/.exec(line) ?? []
        this.rows.push(Number(n))
      }
    }
    while (!this.isClosed) {
      const consumer = await eventually('the slot is read', () =>
        this.isClosed ? null : Consumer.open(login, { slot, from: this.at }, take),
      )
      this.consumer = consumer
      await consumer?.ended
    }
  }
}

test('whoever calls himself by the name of the standby counts as none', async () => {
  const impostor = await openWalSender({ ...login, application_name: 's_b' })
  const [end] = await sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  await assert.rejects(impostor.query(`START_REPLICATION PHYSICAL ${end!.lsn}`), { code: '57P01' })
  await sql(`select pg_create_logical_replication_slot('mine', 'test_decoding')`)
  const consumer = await Consumer.open({ ...login, application_name: 's_b' }, { slot: 'mine' }, () => {})
  // It counts once it has confirmed something.
  await sql('create table more (n int); insert into more values (1)')
  assert.match((await consumer.ended).message, /terminating|ended/)
  await eventually('the slot is dropped', () => sql(`select pg_drop_replication_slot('mine')`))
})

test('a slot made for failover goes on over a forced one and a kill -9, and one that is not is gone', async () => {
  await sql('create table t (n int primary key)')
  await sql(`select pg_create_logical_replication_slot('kept', 'test_decoding', false, false, true)`)
  await sql(`select pg_create_logical_replication_slot('plain', 'test_decoding')`)
  await using reader = new Reader('kept')
  let n = 0
  const acknowledged: number[] = []
  /** Like a client that tries again under another number when it does not know. */
  const insert = (): Promise<number> =>
    eventually('an acknowledged row', async () => {
      await sql(`insert into t values (${++n})`)
      return acknowledged.push(n)
    })
  await insert()
  await reader.sees(n)
  await kept('kept', 'b', insert)
  await insert()
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'kept', ForceFailover: true }))
  await insert()
  await redundant('b')
  await insert()
  await reader.sees(n)
  await assert.rejects(
    Consumer.open(login, { slot: 'plain' }, () => {}),
    { code: '42704' },
  )
  await kept('kept', 'a', insert)
  await insert()
  process.kill(await postmasterIn('b'), 'SIGKILL')
  await insert()
  await redundant('a')
  await insert()
  await reader.sees(n)
  const there = (await sql<{ n: number }>('select n from t')).map((row) => row.n)
  assert.deepEqual(new Set(reader.rows), new Set(there))
  assert.equal(reader.rows.length, there.length, 'nothing twice for who remembers how far he came')
  assert.deepEqual(
    acknowledged.filter((one) => !there.includes(one)),
    [],
  )
  assert.ok(!existsSync(join(dataIn('a'), 'pg_replslot', 'plain')))

  const MultiAZ = false
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'kept', MultiAZ, ApplyImmediately: true }))
  await instanceIn(rds, 'kept', 'available', (i) => i.MultiAZ === false)
  await insert()
  await reader.sees(n)
})
