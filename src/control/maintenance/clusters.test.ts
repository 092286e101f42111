/** Maintenance of DB clusters on simulated engines: all members together, whatever their number. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PendingMaintenanceAction } from '@aws-sdk/client-rds'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { clusterOf, eventsOf, isWholeAgain, kept, newCluster } from '../../../tests/support/simulated-cluster.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { commit } from '../control.ts'
import { describeCluster } from '../db-cluster/describe.ts'
import { modifyDbCluster } from '../db-cluster/modify.ts'
import { dbClusters } from '../db-cluster/record.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { applyPendingMaintenance } from './apply.ts'
import { listPendingMaintenance } from './describe.ts'
import { watchMaintenance } from './watch.ts'

const ARN = 'arn:aws:rds:us-east-1:000000000000'
const ResourceIdentifier = `${ARN}:cluster:orders`
/** The clock starts at midnight of a Thursday. */
const UNTIL_WINDOW_MS = 2 * DAY_MS + 3 * HOUR_MS

async function newControl(EngineVersion: string): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await newCluster(control, 'orders', { EngineVersion, PreferredMaintenanceWindow: 'sat:03:00-sat:04:00' })
  return control
}

const membersOf = async (control: SimulatedControl): Promise<DbInstanceRecord[]> =>
  (await dbInstances(control, SCOPE).list()).map(({ value }) => value)

async function pending(control: SimulatedControl): Promise<PendingMaintenanceAction[]> {
  const found = await listPendingMaintenance(control, SCOPE, {})
  assert.ok(found.every((one) => one.ResourceIdentifier === ResourceIdentifier))
  return found[0]?.PendingMaintenanceActionDetails ?? []
}

async function noticedLongAgo(control: SimulatedControl): Promise<void> {
  const held = (await dbClusters(control, SCOPE).get('orders'))!
  const maintenance = { 'db-upgrade': { noticedAt: control.clock.now() - 30 * DAY_MS, version: '18.4' } }
  await commit(control, dbClusters(control, SCOPE).update(held, { ...held.value, maintenance }))
}

/** Kinds of jobs that are begun from now on. */
function jobs(control: SimulatedControl): string[] {
  const kinds: string[] = []
  const { startJob } = control.hosts
  control.hosts.startJob = (zone, id, kind, input) => {
    kinds.push(kind)
    return startJob.call(control.hosts, zone, id, kind, input)
  }
  return kinds
}

/** As if the certificate of all members were so old that it is valid for no longer than this. */
async function leaveCertificate(control: SimulatedControl, leftMs: number): Promise<void> {
  const validTill = control.clock.now() + leftMs
  for (const held of await dbInstances(control, SCOPE).list()) {
    const certificate = { ...held.value.certificate!, validTill }
    await commit(control, dbInstances(control, SCOPE).update(held, { ...held.value, certificate }))
  }
}

/** Lets the watch look, and what it begins go on, for as long. */
async function pass(control: SimulatedControl, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 20 * MINUTE_MS) await control.clock.advance(20 * MINUTE_MS)
}

test('a newer minor is announced for the cluster as a whole, and reaches every member in a window by itself', async () => {
  const control = await newControl('18.3')
  const watch = watchMaintenance(control, control.log)
  assert.deepEqual(
    (await pending(control)).map(({ Action }) => Action),
    ['db-upgrade'],
  )
  await control.clock.advance(MINUTE_MS)
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170', '0156'])
  await noticedLongAgo(control)
  await control.clock.advance(UNTIL_WINDOW_MS - HOUR_MS)
  assert.equal((await clusterOf(control)).settings.EngineVersion, '18.3')
  await pass(control, 2 * HOUR_MS)
  await watch.stop()
  for (const { settings } of [await clusterOf(control), ...(await membersOf(control))])
    assert.equal(settings.EngineVersion, '18.4')
  const now = await kept(control)
  isWholeAgain(now)
  assert.deepEqual([await pending(control), now.pending, now.maintenance], [[], {}, {}])
  const events = await eventsOf(control, 'db-cluster')
  for (const id of ['0156', '0286', '0290']) assert.equal(events.filter((one) => one === id).length, 1, id)
  assert.deepEqual(control.log.complaints, [])
})

test('without AutoMinorVersionUpgrade it waits for somebody to ask, for the cluster and no member of it', async () => {
  const control = await newControl('18.3')
  await inTime(
    control,
    modifyDbCluster(control, SCOPE, { DBClusterIdentifier: 'orders', AutoMinorVersionUpgrade: false }),
  )
  assert.equal((await pending(control))[0]!.CurrentApplyDate, undefined)
  const asked = { ApplyAction: 'db-upgrade', OptInType: 'immediate' }
  const member = { ...asked, ResourceIdentifier: `${ARN}:db:orders-instance-1` }
  await assert.rejects(applyPendingMaintenance(control, SCOPE, member), { name: 'ResourceNotFoundFault' })
  const answered = await inTime(control, applyPendingMaintenance(control, SCOPE, { ...asked, ResourceIdentifier }))
  assert.equal(answered.status, 'upgrading')
  assert.equal((await clusterOf(control)).settings.EngineVersion, '18.4')
})

test('an old certificate is replaced for all members alike, without a restart', async () => {
  const control = await newControl('18.4')
  await leaveCertificate(control, 10 * DAY_MS)
  const kinds = jobs(control)
  const watch = watchMaintenance(control, control.log)
  await pass(control, HOUR_MS)
  await watch.stop()
  const members = await membersOf(control)
  const ends = new Set(members.map((member) => member.certificate!.validTill))
  assert.equal(ends.size, 1, 'one for all')
  assert.ok([...ends][0]! > control.clock.now() + 300 * DAY_MS)
  assert.equal(kinds.filter((kind) => kind === 'instance.reload').length >= 3, true)
  assert.equal(kinds.includes('instance.restart'), false)
  const now = await kept(control)
  assert.deepEqual([now.nextCertificate, await pending(control)], [undefined, []])
  assert.deepEqual(control.log.complaints, [])
})

test('a certificate of another authority is shown as pending, and given up where a reader does not take it', async () => {
  const control = await newControl('18.4')
  const CACertificateIdentifier = 'rds-ca-rsa4096-g1'
  const orders = { DBClusterIdentifier: 'orders', CACertificateIdentifier }
  const certificates = async (): Promise<unknown[]> => (await membersOf(control)).map(({ certificate }) => certificate)
  const before = await certificates()
  await inTime(control, modifyDbCluster(control, SCOPE, orders))
  const shown = await describeCluster(control, await clusterOf(control))
  assert.deepEqual(shown.PendingModifiedValues?.CertificateDetails, { CAIdentifier: CACertificateIdentifier })
  control.failing = 'instance.reload'
  await inTime(control, modifyDbCluster(control, SCOPE, { ...orders, ApplyImmediately: true }))
  control.failing = undefined
  const given = await dbClusters(control, SCOPE).get('orders')
  assert.deepEqual([given!.value.pending, given!.value.nextCertificate], [{}, undefined])
  assert.deepEqual(await certificates(), before)
  await inTime(control, modifyDbCluster(control, SCOPE, { ...orders, ApplyImmediately: true }))
  for (const [i, certificate] of (await certificates()).entries()) assert.notDeepEqual(certificate, before[i])
  assert.equal((await clusterOf(control)).settings.CACertificateIdentifier, CACertificateIdentifier)
})
