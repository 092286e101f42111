/** The images of an Aurora cluster's volume, on simulated engines: when they are made, what is made of them, how they go. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MIB } from '#base/bytes.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { growingLog, type GrowingLog } from '../../../tests/support/growing-log.ts'
import { addInstance, auroraOf, keptAurora, newAurora, writerOf } from '../../../tests/support/simulated-aurora.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { changeInstance } from '../cluster/member-verbs.ts'
import { changeCluster } from '../cluster/verbs.ts'
import type { Hosts } from '../hosts.ts'
import { volumeImages, type VolumeImages } from '../volume/images.ts'

const NAMED = { DBClusterIdentifier: 'shop' }

async function opened(instances = ['one']): Promise<GrowingLog> {
  const log = await growingLog()
  await newAurora(log.control, 'shop')
  for (const id of instances) await addInstance(log.control, id)
  return log
}

const imagesOf = async ({ control }: GrowingLog): Promise<VolumeImages | undefined> =>
  (await volumeImages(control, SCOPE).get((await auroraOf(control)).resourceId))?.value

const zonesOf = (images: VolumeImages | undefined): string[] => (images?.images ?? []).map(({ zone }) => zone).sort()

const snapshotsOf = async ({ control }: GrowingLog): Promise<string[]> =>
  (await control.hosts.ask('a', 'host.contents', {})).snapshots.filter((id) => id.includes('-image-')).sort()

/** The images that readers are attached to from now on. */
function attachedTo({ control }: GrowingLog): string[] {
  const used: string[] = []
  const { startJob } = control.hosts
  const spy: Hosts['startJob'] = async (...[zone, id, kind, input]) => {
    if (kind === 'instance.attach' && 'image' in input && input.image) used.push(input.image.snapshotId)
    return startJob.call(control.hosts, zone, id, kind, input)
  }
  Object.assign(control.hosts, { startJob: spy })
  return used
}

test('each zone gets an image once there is enough log, and new instances are made of that of their zone', async () => {
  const log = await opened()
  await keptAurora(log.control)
  assert.equal(await imagesOf(log), undefined)
  log.durableMiB = 40
  await keptAurora(log.control)
  const images = (await imagesOf(log))!
  assert.deepEqual(zonesOf(images), ['a', 'b', 'c'])
  assert.deepEqual(await snapshotsOf(log), images.images.map(({ imageId }) => imageId).sort())
  const used = attachedTo(log)
  const { zone } = await addInstance(log.control, 'two')
  assert.deepEqual(used, [images.images.find((image) => image.zone === zone)!.imageId])
})

test('a checkpoint is asked of the writer, and a later image takes the place of the one before', async () => {
  const log = await opened()
  log.durableMiB = 40
  await keptAurora(log.control)
  const before = (await imagesOf(log))!
  log.durableMiB = 80
  await keptAurora(log.control)
  const after = (await imagesOf(log))!
  assert.deepEqual(zonesOf(after), ['a', 'b', 'c'])
  assert.deepEqual(after.before, { a: 40 * MIB, b: 40 * MIB, c: 40 * MIB })
  assert.deepEqual(await snapshotsOf(log), after.images.map(({ imageId }) => imageId).sort())
  assert.ok(before.images.every(({ imageId }) => !after.images.some((image) => image.imageId === imageId)))
  const { members } = await auroraOf(log.control)
  const checkpoints = log.asked.filter(({ question }) => question === 'instance.checkpoint')
  assert.deepEqual(checkpoints.at(-1)!.input, { id: members[0]!.resourceId, since: 56 * MIB })
  assert.equal(checkpoints.length, 6)
})

test('an image that comes to nothing is taken away, the one before stays, and another is made later', async () => {
  const log = await opened()
  log.durableMiB = 40
  await keptAurora(log.control)
  const before = (await imagesOf(log))!
  log.control.failingOnce = 'volume.image'
  log.durableMiB = 80
  await log.control.clock.advance(10_000)
  assert.deepEqual((await imagesOf(log))!.images, before.images)
  assert.deepEqual((await imagesOf(log))!.making, undefined)
  await keptAurora(log.control)
  const after = (await imagesOf(log))!
  assert.deepEqual(new Set(after.images.map(({ from }) => from)), new Set([80 * MIB]))
  assert.deepEqual(await snapshotsOf(log), after.images.map(({ imageId }) => imageId).sort())
})

test('an image that a stop of the cluster came upon is made as soon as it serves again', async () => {
  const log = await opened()
  const { hosts, clock } = log.control
  const { job } = hosts
  let isHeld = true
  const held: Hosts['job'] = async (zone, id) =>
    isHeld && /-image-\d+$/.test(id) && !id.includes('/remove-')
      ? { state: 'running', progress: undefined }
      : job.call(hosts, zone, id)
  Object.assign(hosts, { job: held })
  log.durableMiB = 40
  await clock.advance(10_000)
  assert.ok((await imagesOf(log))!.making)
  await inTime(log.control, changeCluster(log.control, SCOPE, 'stop', NAMED))
  await clock.advance(10_000)
  assert.equal((await imagesOf(log))!.making, undefined)
  isHeld = false
  await inTime(log.control, changeCluster(log.control, SCOPE, 'start', NAMED))
  await clock.advance(10_000)
  assert.deepEqual(zonesOf(await imagesOf(log)), ['a', 'b', 'c'])
})

test('an instance whose image goes while it is copied is made of the next one', async () => {
  const log = await opened()
  log.control.failingOnce = 'instance.attach'
  log.control.failingWith = 'snapshot-missing'
  await addInstance(log.control, 'two')
  const { members } = await auroraOf(log.control)
  assert.equal(members.length, 2)
  assert.equal(log.control.hosts.observed(members[1]!.zone, members[1]!.resourceId)?.accepting, true)
})

test('an instance that comes to its log too late is made of a later image', async () => {
  const log = await opened()
  const used = attachedTo(log)
  const { hosts } = log.control
  const { observed } = hosts
  const late: Hosts['observed'] = (zone, id) => {
    const seen = observed.call(hosts, zone, id)
    return seen?.volume && !seen.volume.isWriter && used.length === 1
      ? { ...seen, volume: { ...seen.volume, isStreaming: false, obstacle: 'log-removed' } }
      : seen
  }
  Object.assign(hosts, { observed: late })
  await addInstance(log.control, 'two')
  assert.equal(used.length, 2)
  assert.equal((await auroraOf(log.control)).members.length, 2)
})

test('nothing is made for a cluster that is stopped, and all images go with the cluster', async () => {
  const log = await opened()
  assert.equal(await writerOf(log.control), 'one')
  await inTime(log.control, changeCluster(log.control, SCOPE, 'stop', NAMED))
  log.durableMiB = 40
  await keptAurora(log.control)
  assert.deepEqual(await snapshotsOf(log), [])
  await inTime(log.control, changeCluster(log.control, SCOPE, 'start', NAMED))
  await keptAurora(log.control)
  assert.equal((await snapshotsOf(log)).length, 3)
  const { resourceId } = await auroraOf(log.control)
  await inTime(log.control, changeInstance(log.control, SCOPE, 'delete', { DBInstanceIdentifier: 'one' }))
  await inTime(log.control, changeCluster(log.control, SCOPE, 'delete', { ...NAMED, SkipFinalSnapshot: true }))
  assert.deepEqual(await snapshotsOf(log), [])
  assert.equal(await volumeImages(log.control, SCOPE).get(resourceId), undefined)
})

const prunes = ({ asked }: GrowingLog): unknown[] =>
  asked.filter(({ question }) => question === 'lognode.prune').map(({ zone, input }) => [zone, input])

test('log goes that nobody needs once every zone has had two images, and what the volume began with goes too', async () => {
  const log = await opened()
  const seeds = async (): Promise<string[]> =>
    (await log.control.hosts.ask('a', 'host.contents', {})).snapshots.filter((id) => id.endsWith('-seed'))
  log.durableMiB = 40
  await keptAurora(log.control)
  assert.deepEqual([prunes(log), (await seeds()).length], [[], 1])
  log.durableMiB = 80
  await keptAurora(log.control)
  const { resourceId } = await auroraOf(log.control)
  const asked = { volume: resourceId, before: 32 * MIB }
  assert.deepEqual(
    new Set(prunes(log).map((one) => JSON.stringify(one))),
    new Set(['a', 'b', 'c'].map((zone) => JSON.stringify([zone, asked]))),
  )
  assert.equal((await imagesOf(log))!.prunedTo, 32 * MIB)
  assert.deepEqual(await seeds(), [])
  await addInstance(log.control, 'two')
  assert.equal((await auroraOf(log.control)).members.length, 2, 'instances are made of images')
})

test('log that a copy lacks is kept, and goes when it has caught up', async () => {
  const log = await opened()
  log.look = (member) => (member.state === 'open' && member.member === 'b2' ? { ...member, end: 5 } : member)
  log.durableMiB = 40
  await keptAurora(log.control)
  log.durableMiB = 80
  await keptAurora(log.control)
  assert.deepEqual(prunes(log), [])
  log.look = (member) => member
  await keptAurora(log.control)
  assert.equal(new Set(prunes(log).map((one) => JSON.stringify(one))).size, 3)
})

for (const step of ['watch', 'make', 'prune', 'remove'])
  test(`images come out the same where what the step ${step} gave is lost`, async () => {
    const log = await opened()
    log.durableMiB = 40
    await keptAurora(log.control)
    log.control.losing = `keep-volume-images.${step}`
    log.durableMiB = 80
    await keptAurora(log.control)
    assert.equal(log.control.losing, undefined, 'it was run')
    const after = (await imagesOf(log))!
    assert.deepEqual(after.before, { a: 40 * MIB, b: 40 * MIB, c: 40 * MIB })
    assert.deepEqual([after.prunedTo, after.leaving], [32 * MIB, []])
    assert.deepEqual(await snapshotsOf(log), after.images.map(({ imageId }) => imageId).sort())
  })
