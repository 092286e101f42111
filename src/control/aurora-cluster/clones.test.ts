/** Copy-on-write clones of Aurora clusters, on simulated engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MIB } from '#base/bytes.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { growingLog } from '../../../tests/support/growing-log.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import {
  addInstance,
  keptAuroraWith,
  auroraOf,
  clusterShown,
  jobsOf,
  keptAurora,
  newAurora,
  volumeOf,
  writerOf,
} from '../../../tests/support/simulated-aurora.ts'
import { eventsOf } from '../../../tests/support/simulated-cluster.ts'
import type { SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { changeInstance } from '../cluster/member-verbs.ts'
import { restoreAnyClusterToPointInTime } from '../cluster/restore.ts'
import { changeCluster } from '../cluster/verbs.ts'
import { commit } from '../control.ts'
import { takeEpoch } from '../volume/epochs.ts'
import { imagesOf } from '../volume/images.ts'
import { volumes } from '../volume/record.ts'
import { CLONES_MAX } from './clones.ts'
import { auroraClusters } from './record.ts'

const NAMED = { DBClusterIdentifier: 'shop' }

const filled = (): Promise<SimulatedControl> => keptAuroraWith(['one'])

const ask = (control: SimulatedControl, id: string, source = 'shop'): Promise<unknown> =>
  restoreAnyClusterToPointInTime(control, SCOPE, {
    DBClusterIdentifier: id,
    SourceDBClusterIdentifier: source,
    RestoreType: 'copy-on-write',
    UseLatestRestorableTime: true,
  })

async function cloned(control: SimulatedControl, id: string, source = 'shop'): Promise<void> {
  await inTime(control, ask(control, id, source))
  await keptAurora(control)
  assert.equal((await clusterShown(control, id)).Status, 'available')
}

const deleted = async (control: SimulatedControl, id: string, instances: readonly string[] = []): Promise<void> => {
  for (const DBInstanceIdentifier of instances)
    await inTime(control, changeInstance(control, SCOPE, 'delete', { DBInstanceIdentifier, SkipFinalSnapshot: true }))
  await inTime(control, changeCluster(control, SCOPE, 'delete', { DBClusterIdentifier: id, SkipFinalSnapshot: true }))
  await keptAurora(control)
}

/** Jobs that make a volume never end, until they are let go. */
function held({ hosts }: SimulatedControl): { release(): void } {
  const { job } = hosts
  let isHeld = true
  Object.assign(hosts, {
    job: async (zone: string, id: string) => {
      const view = await job.call(hosts, zone, id)
      const isRunning = isHeld && id.includes('/branch-') && view.state !== 'absent'
      return isRunning ? { state: 'running', progress: undefined } : view
    },
  })
  return { release: () => (isHeld = false) }
}

test('a clone begins with an image of its zone and the log up to a checkpoint behind what was acknowledged', async () => {
  const log = await growingLog()
  const { control } = log
  await newAurora(control, 'shop', { DatabaseName: 'orders' })
  await addInstance(control, 'one')
  log.durableMiB = 40
  await keptAurora(control)
  const seeds = jobsOf(control, 'volume.seed')
  await cloned(control, 'clone')
  const source = await auroraOf(control)
  const { images } = await imagesOf(control, SCOPE, source.resourceId)
  const from = seeds[0]!.from!
  assert.ok('branch' in from)
  assert.equal(from.branch.imageId, images.find(({ zone }) => zone === 'a')!.imageId)
  assert.deepEqual([from.branch.volume.id, from.branch.until], [source.resourceId, 40 * MIB])
  const shown = await clusterShown(control, 'clone')
  assert.deepEqual([shown.DBClusterMembers, shown.MasterUsername, shown.DatabaseName], [[], 'app', 'orders'])
  assert.notEqual((await volumeOf(control, 'clone')).id, source.resourceId)
  await addInstance(control, 'two', { DBClusterIdentifier: 'clone' })
  assert.deepEqual(
    [(await clusterShown(control, 'clone')).DBClusterMembers!.length, await writerOf(control)],
    [1, 'one'],
  )
  assert.ok((await eventsOf(control, 'db-cluster')).filter((id) => id === '0170').length === 2)
})

test('clones of clones are of one group, and stay when their source goes', async () => {
  const control = await filled()
  assert.equal((await clusterShown(control)).CloneGroupId, undefined)
  await cloned(control, 'first')
  await addInstance(control, 'two', { DBClusterIdentifier: 'first' })
  await cloned(control, 'second', 'first')
  const groups = await Promise.all(['shop', 'first', 'second'].map((id) => clusterShown(control, id)))
  assert.ok(groups[0]!.CloneGroupId)
  assert.equal(new Set(groups.map(({ CloneGroupId }) => CloneGroupId)).size, 1)
  await deleted(control, 'shop', ['one'])
  assert.equal(await auroraClusters(control, SCOPE).get('shop'), undefined)
  await addInstance(control, 'three', { DBClusterIdentifier: 'first' })
  assert.equal((await clusterShown(control, 'first')).DBClusterMembers!.length, 2)
})

test('one clone more than there can be shares nothing, and is none of the group', async () => {
  const control = await filled()
  const key = auroraClusters(control, SCOPE)
  await cloned(control, 'clone')
  const one = await auroraOf(control, 'clone')
  for (let n = 1; n < CLONES_MAX; n++) await commit(control, key.create(`clone-${n}`, { ...one, id: `clone-${n}` }))
  const seeds = jobsOf(control, 'volume.seed')
  await cloned(control, 'more')
  assert.deepEqual(Object.keys(seeds[0]!.from!), ['prefix', 'time'])
  assert.equal((await clusterShown(control, 'more')).CloneGroupId, undefined)
})

test('a writer that takes over while a clone is made is asked again', async () => {
  const control = await filled()
  const hold = held(control)
  const seeds = jobsOf(control, 'volume.seed')
  const asked = ask(control, 'clone')
  await control.clock.advance(5_000)
  assert.equal(seeds.length, 1)
  const { epoch } = (await volumeOf(control, 'clone')).branch!.mark!
  const rows = volumes(control, SCOPE)
  const row = (await rows.get((await auroraOf(control)).resourceId))!
  await commit(control, rows.update(row, takeEpoch(row.value, row.value.writer!)))
  await control.clock.advance(5_000)
  assert.deepEqual([seeds.length, (await volumeOf(control, 'clone')).branch!.mark!.epoch], [2, epoch + 1])
  hold.release()
  await inTime(control, asked)
  assert.equal((await clusterShown(control, 'clone')).Status, 'available')
})

test('an image that goes meanwhile gives way to the next one', async () => {
  const control = await filled()
  control.failingOnce = 'volume.seed'
  control.failingWith = 'snapshot-missing'
  await cloned(control, 'clone')
})

test('a source that is deleted stays until its clone has begun', async () => {
  const control = await filled()
  const hold = held(control)
  const asked = ask(control, 'clone')
  await control.clock.advance(5_000)
  await inTime(control, changeInstance(control, SCOPE, 'delete', { DBInstanceIdentifier: 'one' }))
  const going = changeCluster(control, SCOPE, 'delete', { ...NAMED, SkipFinalSnapshot: true })
  await keptAurora(control)
  assert.equal((await clusterShown(control)).Status, 'deleting')
  hold.release()
  await inTime(control, Promise.all([asked, going]))
  assert.equal(await auroraClusters(control, SCOPE).get('shop'), undefined)
  assert.equal((await clusterShown(control, 'clone')).Status, 'available')
})

test('a clone that is given up holds its source no longer, and can be deleted', async () => {
  const control = await filled()
  control.failing = 'volume.seed'
  await inTime(control, ask(control, 'clone'))
  await keptAurora(control)
  const { Status, StatusInfos } = await clusterShown(control, 'clone')
  assert.deepEqual([Status, StatusInfos![0]!.Message], ['cloning-failed', 'The test says so.'])
  control.failing = undefined
  await deleted(control, 'shop', ['one'])
  await deleted(control, 'clone')
  assert.deepEqual(await auroraClusters(control, SCOPE).list(), [])
  assert.deepEqual(await volumes(control, SCOPE).list(), [])
})

test('a cluster that is stopped is cloned out of the archive', async () => {
  const control = await filled()
  await inTime(control, changeCluster(control, SCOPE, 'stop', NAMED))
  const seeds = jobsOf(control, 'volume.seed')
  await cloned(control, 'clone')
  assert.deepEqual(Object.keys(seeds[0]!.from!), ['prefix', 'time'])
  assert.ok((await clusterShown(control, 'clone')).CloneGroupId)
})
