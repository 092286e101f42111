/** Maintenance on real PostgreSQL: a minor upgrade and a new certificate, both while clients are at work. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { connect as tlsConnect } from 'node:tls'
import {
  ApplyPendingMaintenanceActionCommand,
  CreateDBInstanceCommand,
  DescribeEventsCommand,
  DescribePendingMaintenanceActionsCommand,
  ModifyDBInstanceCommand,
  type DBInstance,
  type PendingMaintenanceAction,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import {
  connect,
  createInput,
  createInstance,
  deleteInstance,
  describe,
  instanceIn,
  query,
} from '../support/database.ts'
import { engineOf } from '../support/processes.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient
/** Why there is no instance of an older minor. */
let missing: string | undefined

before(async () => {
  holdfast = await startHoldfast()
  rds = holdfast.rds()
  const older = createInput('old', { EngineVersion: '18.3', BackupRetentionPeriod: 0, DBName: 'shop' })
  await rds.send(new CreateDBInstanceCommand(older))
  const made = await eventually('the instance is made, or is not', async () => {
    const found = await describe(rds, 'old')
    return ['available', 'failed'].includes(found?.DBInstanceStatus ?? '') ? found : undefined
  })
  if (made.DBInstanceStatus === 'failed') missing = `no PostgreSQL 18.3: ${made.StatusInfos?.[0]?.Message}`
})

after(() => discard(holdfast))

async function pending(instance: DBInstance): Promise<PendingMaintenanceAction[]> {
  const ask = new DescribePendingMaintenanceActionsCommand({ ResourceIdentifier: instance.DBInstanceArn! })
  const { PendingMaintenanceActions } = await rds.send(ask)
  return PendingMaintenanceActions![0]?.PendingMaintenanceActionDetails ?? []
}

const apply = (instance: DBInstance, ApplyAction: string): Promise<unknown> =>
  rds.send(
    new ApplyPendingMaintenanceActionCommand({
      ResourceIdentifier: instance.DBInstanceArn!,
      ApplyAction,
      OptInType: 'immediate',
    }),
  )

/** Of clients that each insert one row. */
async function startTraffic(instance: DBInstance): Promise<AcknowledgedInserts> {
  await query(holdfast, instance, 'create table written (n int primary key)', SHOP)
  return new AcknowledgedInserts(holdfast, instance, { login: SHOP, reconnects: true })
}

const SHOP = { database: 'shop' }

test('a pending minor upgrade that is applied loses nothing that was acknowledged', async (t) => {
  if (missing !== undefined) return t.skip(missing)
  const instance = (await describe(rds, 'old'))!
  const [action] = await pending(instance)
  assert.equal(action!.Action, 'db-upgrade')
  assert.equal(action!.Description, 'Upgrade of PostgreSQL 18.3 to minor version 18.4')
  await using traffic = await startTraffic(instance)
  await traffic.more(3)
  await apply(instance, 'db-upgrade')
  const upgraded = await instanceIn(rds, 'old', 'available', (i) => i.EngineVersion === '18.4')
  await traffic.more(3)
  await traffic.stop()
  await traffic.assertKept()
  const [row] = await query<{ version: string }>(
    holdfast,
    upgraded,
    `select current_setting('server_version') as version`,
  )
  assert.deepEqual(row, { version: '18.4' })
  assert.deepEqual(await pending(upgraded), [])
  const { Events } = await rds.send(
    new DescribeEventsCommand({ SourceType: 'db-instance', SourceIdentifier: 'old', EventCategories: ['maintenance'] }),
  )
  const told = Events!.map(({ Message }) => Message!).join('\n')
  for (const text of [
    /pre-check started/,
    /pre-check finished/,
    /off-line patches/,
    /downtime started/,
    /patched to version 18.4/,
  ])
    assert.match(told, text)
})

/** The certificate that a new client is shown. */
async function issuerShown(instance: DBInstance): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const plain = new Socket()
  plain.once('error', reject)
  plain.connect(instance.Endpoint!.Port!, instance.Endpoint!.Address!, () => {
    // PostgreSQL 18 manual, 54.7, SSLRequest.
    plain.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
    plain.once('data', () => {
      const secure = tlsConnect({ socket: plain, rejectUnauthorized: false }, () => {
        resolve(String(secure.getPeerCertificate().issuer.CN))
        secure.destroy()
      })
      secure.once('error', reject)
    })
  })
  return promise
}

test('a pending minor upgrade of a Multi-AZ instance brings both copies to the new version', async (t) => {
  if (missing !== undefined) return t.skip(missing)
  await createInstance(rds, 'two', { EngineVersion: '18.3', BackupRetentionPeriod: 0, MultiAZ: true, DBName: 'shop' })
  const instance = await instanceIn(rds, 'two', 'available', (i) => i.MultiAZ === true)
  await using traffic = await startTraffic(instance)
  await traffic.more(3)
  await apply(instance, 'db-upgrade')
  const isDone = (i: DBInstance): boolean => i.EngineVersion === '18.4' && i.MultiAZ === true
  const upgraded = await instanceIn(rds, 'two', 'available', isDone)
  await traffic.more(3)
  await traffic.stop()
  await traffic.assertKept()
  for (const zone of ['a', 'b']) {
    const pid = await engineOf(holdfast.state, zone, upgraded)
    assert.match(await readFile(`/proc/${pid}/cmdline`, 'utf8'), /18\.4/)
  }
  await deleteInstance(rds, 'two')
})

test('a pending certificate rotation that is applied shows new clients the new certificate and cuts no session', async (t) => {
  if (missing !== undefined) return t.skip(missing)
  const instance = (await describe(rds, 'old'))!
  const session = await connect(holdfast, instance)
  try {
    const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid')
    assert.match(await issuerShown(instance), /rds-ca-ecc384-g1/)
    const CACertificateIdentifier = 'rds-ca-rsa2048-g1'
    await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'old', CACertificateIdentifier }))
    assert.deepEqual(
      (await pending(instance)).map(({ Action }) => Action),
      ['ca-certificate-rotation'],
    )
    await apply(instance, 'ca-certificate-rotation')
    await instanceIn(rds, 'old', 'available', (i) => i.CACertificateIdentifier === CACertificateIdentifier)
    assert.match(await issuerShown(instance), /rds-ca-rsa2048-g1/)
    assert.deepEqual((await session.query('select pg_backend_pid() as pid')).rows, rows)
    assert.deepEqual(await pending(instance), [])
  } finally {
    await session.end()
  }
})
