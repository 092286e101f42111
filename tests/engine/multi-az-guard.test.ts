/** What a Multi-AZ instance owes to its guarded gateway: verified TLS also after its certificate has changed, and honest commits. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { ModifyDBInstanceCommand, RebootDBInstanceCommand, type DBInstance, type RDSClient } from '@aws-sdk/client-rds'
import { connect, createInstance, instanceIn, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { signalAll } from '../support/processes.ts'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast()
  rds = holdfast.rds()
})
after(() => discard(holdfast))

const WRITTEN = [{ n: 0 }, { n: 1 }]

const redundant = (zone: string): Promise<DBInstance> =>
  instanceIn(rds, 'guarded', 'available', (i) => i.MultiAZ === true && i.AvailabilityZone!.endsWith(zone))

async function receiverOf(instance: DBInstance): Promise<number> {
  const folder = join(holdfast.state, 'hosts', 'b', 'instances', instance.DbiResourceId!)
  return Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
}

test('a commit whose wait for the silent standby is cancelled is told as unknown, also to who mutes warnings', async () => {
  const instance = await createInstance(rds, 'guarded', { MultiAZ: true, BackupRetentionPeriod: 0 })
  await query(holdfast, instance, 'create table written (n int)')
  const other = await connect(holdfast, instance)
  const clients = await Promise.all(['warning', 'error'].map((level) => muting(instance, level)))
  const standby = await receiverOf(instance)
  const children = await eventually('the processes of the standby', () => childrenOf(standby))
  // Serve sleeps too: it would soon decide that commits wait no longer.
  const silenced = [holdfast.process.pid!, standby, ...children]
  signalAll(silenced, 'SIGSTOP')
  try {
    const outcomes = clients.map(({ client }, n) =>
      client.query('insert into written values ($1)', [n]).then(
        () => 'success',
        (error: unknown) => (error as { code?: string }).code,
      ),
    )
    for (const { pid } of clients) {
      await eventually('the commit waits', async () => {
        const waits = "select 1 from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'"
        return (await other.query(waits, [pid])).rows.length > 0 || undefined
      })
      await other.query('select pg_cancel_backend($1)', [pid])
    }
    assert.deepEqual(await Promise.all(outcomes), ['08007', '08007'])
  } finally {
    signalAll(silenced, 'SIGCONT')
  }
  await other.end()
  await redundant('a')
})

async function muting(instance: DBInstance, level: string): Promise<{ client: pg.Client; pid: number }> {
  const client = await connect(holdfast, instance)
  client.on('error', () => {})
  await client.query(`set client_min_messages = ${level}`)
  const { pid } = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!
  return { client, pid }
}

test('clients verify a new certificate of the endpoint, before and after a failover', async () => {
  const CACertificateIdentifier = 'rds-ca-rsa2048-g1'
  await rds.send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: 'guarded',
      CACertificateIdentifier,
      ApplyImmediately: true,
    }),
  )
  const instance = await instanceIn(
    rds,
    'guarded',
    'available',
    (i) => i.MultiAZ === true && i.CACertificateIdentifier === CACertificateIdentifier,
  )
  assert.deepEqual(await query(holdfast, instance, 'select n from written order by n'), WRITTEN)
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'guarded', ForceFailover: true }))
  assert.deepEqual(await query(holdfast, await redundant('b'), 'select n from written order by n'), WRITTEN)
})

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').map(Number)
}
