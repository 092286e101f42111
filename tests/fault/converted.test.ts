/**
 * An instance that was converted from one zone to two has its endpoint's port itself, until it starts next: then a gateway
 * has it, whatever dies on the way, and a cancelled commit is told as unknown.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBInstanceReadReplicaCommand,
  ModifyDBInstanceCommand,
  RebootDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import { connect, createInstance, describe, instanceIn, query } from '../support/database.ts'
import { discard, eventually, newStateFolder, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { engineOf, signalAll, treeOf } from '../support/processes.ts'
import { orDeath } from './flow-walk/requests.ts'

let state: string
let holdfast: Holdfast
let instance: DBInstance

const NAMED = { DBInstanceIdentifier: 'converted' }
const rds = (): RDSClient => holdfast.rds()
const isRedundant = ({ MultiAZ }: DBInstance): boolean => MultiAZ === true
const redundant = (): Promise<DBInstance> => instanceIn(rds(), 'converted', 'available', isRedundant)

before(async () => {
  state = await newStateFolder()
  holdfast = await startHoldfast({ state })
  instance = await createInstance(rds(), 'converted', { BackupRetentionPeriod: 1 })
  await query(holdfast, instance, 'create table written (n int primary key)')
  await rds().send(
    new CreateDBInstanceReadReplicaCommand({
      DBInstanceIdentifier: 'replica',
      SourceDBInstanceIdentifier: 'converted',
    }),
  )
  await instanceIn(rds(), 'replica', 'available')
  await rds().send(new ModifyDBInstanceCommand({ ...NAMED, MultiAZ: true, ApplyImmediately: true }))
  await redundant()
})
after(() => discard(holdfast))

/** The engine's own port, which is the endpoint's as long as there is no gateway. */
async function enginePort(): Promise<number> {
  const [row] = await query<{ port: number }>(holdfast, instance, 'select inet_server_port() as port')
  return row!.port
}

async function portOfStandby(): Promise<number> {
  const folder = join(state, 'hosts', 'b', 'instances', instance.DbiResourceId!, 'data')
  return Number((await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n')[3])
}

test('an engine whose own port a stranger has taken is rebooted where it is', async () => {
  const stranger = createServer()
  // Ports of copies are given in pairs from the end.
  const own = (await portOfStandby()) + 1
  await new Promise<void>((resolve) => stranger.listen(own, '127.0.0.1', resolve))
  await using writer = new AcknowledgedInserts(holdfast, instance)
  await writer.more(5)
  await rds().send(new RebootDBInstanceCommand(NAMED))
  await redundant()
  assert.equal(await enginePort(), instance.Endpoint!.Port)
  await writer.more(5)
  await writer.stop()
  await writer.assertKept()
  await new Promise((resolve) => stranger.close(resolve))
})

test('serve dies when the engine has left the port: the next one lets the gateway have it', async () => {
  await holdfast.kill()
  holdfast = await startHoldfast({ state, env: { HOLDFAST_CRASH_AT: 'flow:reboot-db-instance.restart.after' } })
  await redundant()
  await orDeath(rds().send(new RebootDBInstanceCommand(NAMED)))
  assert.equal(await holdfast.exited, 'SIGKILL')
  holdfast = await startHoldfast({ state })
  const now = await redundant()
  assert.deepEqual(now.Endpoint, instance.Endpoint)
  assert.notEqual(await enginePort(), instance.Endpoint!.Port)
})

test('whoever follows it has followed', async () => {
  await query(holdfast, instance, 'insert into written values (-1)')
  const replica = (await describe(rds(), 'replica'))!
  await eventually('the row at the replica', async () =>
    (await query(holdfast, replica, 'select 1 from written where n = -1')).length > 0 ? true : undefined,
  )
})

test('a commit whose wait is cancelled is told as unknown', async () => {
  const [client, other] = [await connect(holdfast, instance), await connect(holdfast, instance)]
  client.on('error', () => {})
  const { pid } = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!
  // Serve sleeps too: it would soon decide that commits wait no longer.
  const silenced = [holdfast.process.pid!, ...(await treeOf(await engineOf(state, 'b', instance)))]
  signalAll(silenced, 'SIGSTOP')
  try {
    const outcome = client.query('insert into written values (-2)').then(
      () => 'success',
      (error: unknown) => (error as { code?: string }).code,
    )
    await eventually('the commit waits', async () => {
      const waits = "select 1 from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'"
      return (await other.query(waits, [pid])).rows.length > 0 || undefined
    })
    await other.query('select pg_cancel_backend($1)', [pid])
    assert.equal(await outcome, '08007')
  } finally {
    signalAll(silenced, 'SIGCONT')
  }
  await other.end()
  await redundant()
})

test('one copy again, it keeps its address and its gateway', async () => {
  await rds().send(new ModifyDBInstanceCommand({ ...NAMED, MultiAZ: false, ApplyImmediately: true }))
  const now = await instanceIn(rds(), 'converted', 'available', (one) => one.SecondaryAvailabilityZone === undefined)
  assert.deepEqual(now.Endpoint, instance.Endpoint)
  assert.notEqual(await enginePort(), instance.Endpoint!.Port)
})
