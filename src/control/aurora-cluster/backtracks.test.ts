/** Backtracks of Aurora clusters, on simulated engines: what becomes of volumes, backups and instances. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import {
  addInstance,
  keptAuroraWith,
  auroraOf,
  clusterShown,
  instanceShown,
  jobsOf,
  keptAurora,
  newAurora,
  volumeOf,
  writerOf,
} from '../../../tests/support/simulated-aurora.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { baseBackups } from '../automated-backup/record.ts'
import { changeInstance } from '../cluster/member-verbs.ts'
import { restoreAnyClusterToPointInTime } from '../cluster/restore.ts'
import { changeCluster } from '../cluster/verbs.ts'
import { commit } from '../control.ts'
import { started } from '../db-instance/started.ts'
import { createGlobalCluster } from '../global-cluster/create.ts'
import { backtrackCluster, listBacktracks } from './backtrack.ts'
import { backtracks } from './backtracks.ts'
import { auroraKeyOf, auroraSubjectOf } from './record.ts'

const NAMED = { DBClusterIdentifier: 'shop' }

const filled = (instances = ['one', 'two'], more: object = {}): Promise<SimulatedControl> =>
  keptAuroraWith(instances, { BacktrackWindow: 3600, ...more })

const ask = (control: SimulatedControl, to: number): Promise<unknown> =>
  backtrackCluster(control, SCOPE, { ...NAMED, BacktrackTo: new Date(to) })

async function backtracked(control: SimulatedControl, to = control.clock.now() - MINUTE_MS): Promise<void> {
  await inTime(control, ask(control, to))
  await keptAurora(control)
}

const statuses = async (control: SimulatedControl, more: object = {}): Promise<unknown[]> =>
  (await listBacktracks(control, SCOPE, { ...NAMED, ...more })).map(({ Status }) => Status)

const seedsOf = async (control: SimulatedControl): Promise<string[]> =>
  (await control.hosts.ask('a', 'host.contents', {})).snapshots.filter((id) => id.endsWith('-seed'))

test('the cluster comes back on another volume, made of its archive, and nothing is left of the one before but that', async () => {
  const control = await filled()
  const before = await volumeOf(control)
  const shown = await clusterShown(control)
  assert.equal(shown.BacktrackWindow, 3600)
  assert.ok(shown.EarliestBacktrackTime! >= shown.EarliestRestorableTime!)
  const seeds = jobsOf(control, 'volume.seed')
  const attached = jobsOf(control, 'instance.attach')
  const to = control.clock.now() - MINUTE_MS
  await backtracked(control, to)
  const after = await volumeOf(control)
  assert.deepEqual(
    seeds.map(({ from }) => from),
    [{ prefix: `us-east-1/000000000000/${before.id}`, time: to }],
  )
  assert.ok(after.id !== before.id && after.epoch > before.epoch && after.former === undefined)
  assert.deepEqual(await seedsOf(control), [`${after.id}-seed`])
  const made = attached.flatMap(({ image }) => (image ? [image.snapshotId] : []))
  assert.deepEqual(made, [`${after.id}-seed`, `${after.id}-seed`], 'both are made anew')
  assert.deepEqual([(await clusterShown(control)).Status, await writerOf(control)], ['available', 'one'])
  for (const id of ['one', 'two']) assert.equal((await instanceShown(control, id)).DBInstanceStatus, 'available')
  assert.deepEqual(await statuses(control), ['completed'])
  const { EarliestRestorableTime, Endpoint, Port } = await clusterShown(control)
  assert.deepEqual([EarliestRestorableTime, Endpoint, Port], [shown.EarliestRestorableTime, shown.Endpoint, shown.Port])
})

test('a time names what the cluster had then: for backtracks, and for restores', async () => {
  const control = await filled()
  const first = (await volumeOf(control)).id
  const early = control.clock.now() - MINUTE_MS
  const undone = control.clock.now()
  await control.clock.advance(1_000)
  await backtracked(control, early)
  const second = (await volumeOf(control)).id
  const late = control.clock.now()
  await control.clock.advance(1_000)
  const seeds = jobsOf(control, 'volume.seed')
  await backtracked(control, undone)
  await backtracked(control, late)
  const restore = async (id: string, time: number): Promise<void> => {
    const asked = { SourceDBClusterIdentifier: 'shop', RestoreToTime: new Date(time) }
    await inTime(control, restoreAnyClusterToPointInTime(control, SCOPE, { DBClusterIdentifier: id, ...asked }))
  }
  await restore('undone', undone)
  await restore('late', late)
  assert.deepEqual(
    seeds.map(({ from }) => 'prefix' in from! && [from.prefix.split('/')[2], from.time]),
    [
      [first, undone],
      [second, late],
      [first, undone],
      [second, late],
    ],
  )
})

test('serve that dies in any moment goes on', async () => {
  const control = await filled()
  const asked = ask(control, control.clock.now() - MINUTE_MS)
  asked.catch(() => {})
  for (let round = 0; round < 40; round++) {
    await control.restart()
    await control.clock.advance(1_000)
  }
  await keptAurora(control)
  assert.deepEqual([(await clusterShown(control)).Status, await statuses(control)], ['available', ['completed']])
})

test('one that fails leaves the cluster with what it had, and says so', async () => {
  const control = await filled()
  const before = await volumeOf(control)
  const attached = jobsOf(control, 'instance.attach')
  control.failing = 'volume.seed'
  await backtracked(control)
  control.failing = undefined
  const { id, former } = await volumeOf(control)
  assert.deepEqual([id, former, (await clusterShown(control)).Status], [before.id, undefined, 'available'])
  assert.ok(attached.every(({ image }) => image === undefined))
  assert.deepEqual(await seedsOf(control), [`${before.id}-seed`])
  const [{ value } = assert.fail()] = await backtracks(control, SCOPE).list()
  assert.deepEqual([value.status, value.complaint], ['failed', 'The test says so.'])
  await backtracked(control)
  const filter = (Value: string): object => ({ Filters: [{ Name: 'db-cluster-backtrack-status', Values: [Value] }] })
  assert.deepEqual(await statuses(control), ['failed', 'completed'])
  assert.deepEqual(await statuses(control, filter('completed')), ['completed'])
  assert.deepEqual(await statuses(control, { BacktrackIdentifier: value.id }), ['failed'])
})

test('paused instances come back awake', async () => {
  const control = await simulatedControl()
  const scaling = { ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 4 } }
  await newAurora(control, 'shop', { BacktrackWindow: 3600, ...scaling })
  await addInstance(control, 'one', { DBInstanceClass: 'db.serverless' })
  await keptAurora(control)
  const key = auroraKeyOf(await auroraOf(control))
  const ids = (await auroraOf(control)).members.map(({ resourceId }) => resourceId)
  const pause = control.flows.start('pause-aurora-instances', auroraSubjectOf(key), { key, ids })
  await commit(control, pause.writes)
  await inTime(control, started(control, pause.id))
  assert.equal((await volumeOf(control)).writer, undefined, 'it is paused')
  await backtracked(control)
  assert.deepEqual([(await clusterShown(control)).Status, await statuses(control)], ['available', ['completed']])
  assert.equal((await volumeOf(control)).writer, ids[0])
})

test('one that is stopped, or has an instance that is busy, is refused', async () => {
  const control = await filled()
  const reboot = changeInstance(control, SCOPE, 'reboot', { DBInstanceIdentifier: 'two' })
  reboot.catch(() => {})
  await assert.rejects(inTime(control, ask(control, control.clock.now())), /DB instance two is rebooting/)
  await inTime(control, reboot)
  await inTime(control, changeCluster(control, SCOPE, 'stop', NAMED))
  await assert.rejects(ask(control, control.clock.now()), /its status is stopped/)
})

test('one without instances goes back too, and the first one is made of that', async () => {
  const control = await filled([])
  await backtracked(control)
  assert.deepEqual([(await clusterShown(control)).Status, await statuses(control)], ['available', ['completed']])
  const attached = jobsOf(control, 'instance.attach')
  await addInstance(control, 'one')
  assert.equal(attached[0]!.image!.snapshotId, `${(await volumeOf(control)).id}-seed`)
})

test('what was left is kept for as long as anybody may go back to it', async () => {
  const control = await filled(['one'], { BackupRetentionPeriod: 1, BacktrackWindow: 26 * 3600 })
  const first = (await volumeOf(control)).id
  await backtracked(control)
  const held = async (): Promise<boolean> =>
    (await baseBackups(control, SCOPE).list(`${first}/`)).length > 0 &&
    (await auroraOf(control)).pastStrands!.some(({ id }) => id === first)
  await control.clock.advance(25 * HOUR_MS)
  await keptAurora(control)
  assert.ok(await held())
  await control.clock.advance(2 * HOUR_MS)
  await keptAurora(control)
  assert.ok(!(await held()))
  assert.deepEqual((await auroraOf(control)).pastStrands, [])
})

test('a cluster that was backtracked goes with everything', async () => {
  const control = await filled()
  await backtracked(control)
  for (const DBInstanceIdentifier of ['one', 'two'])
    await inTime(control, changeInstance(control, SCOPE, 'delete', { DBInstanceIdentifier, SkipFinalSnapshot: true }))
  await inTime(control, changeCluster(control, SCOPE, 'delete', { ...NAMED, SkipFinalSnapshot: true }))
  await keptAurora(control)
  assert.deepEqual(
    (await control.store.range('rds/')).entries.filter(({ key }) => !key.includes('/event/')),
    [],
  )
  assert.deepEqual(await seedsOf(control), [])
})

test('who has had a window is no part of a global database, and who closes it has none any more', async () => {
  const control = await filled(['one'])
  const global = { GlobalClusterIdentifier: 'world', SourceDBClusterIdentifier: 'shop' }
  await assert.rejects(createGlobalCluster(control, SCOPE, global), /backtracked/)
  await assert.rejects(
    newAurora(control, 'other', { BacktrackWindow: 60, GlobalClusterIdentifier: 'world' }),
    /BacktrackWindow cannot be specified|not found/,
  )
  const modify = (BacktrackWindow: number): Promise<unknown> =>
    inTime(control, changeCluster(control, SCOPE, 'modify', { ...NAMED, BacktrackWindow }))
  await modify(60)
  assert.equal((await clusterShown(control)).BacktrackWindow, 60)
  await modify(0)
  assert.equal((await clusterShown(control)).BacktrackWindow, undefined)
  await assert.rejects(modify(60), /cannot be enabled/)
  await assert.rejects(ask(control, control.clock.now()), /not enabled/)
})
