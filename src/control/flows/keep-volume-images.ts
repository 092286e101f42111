import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, type Held, type Mutation } from '#store/collection.ts'
import { keeperAttachment } from '../aurora-cluster/placement.ts'
import { isWriter } from '../aurora-cluster/record.ts'
import { serves } from '../aurora-cluster/sight.ts'
import { archivedTo } from '../volume/archived.ts'
import {
  begun,
  dueImage,
  everyImageOf,
  givenUp,
  imageIn,
  imagePrefix,
  left,
  made,
  NO_IMAGES,
  pruned,
  volumeImages,
} from '../volume/images.ts'
import type { Due, VolumeImages } from '../volume/images.ts'
import { requireLogNodes } from '../volume/log-nodes.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { hasMore, neededFrom } from '../volume/retention.ts'
import { durableIn, lookAtVolume, type VolumeSight } from '../volume/sight.ts'
import { zonesOf } from '../volume/configuration.ts'
import { auroraOf, volumeOf, type AuroraContext as C, type HeldAurora } from './aurora-context.ts'
import { job } from './context.ts'
import { engineDeadlineMs, standbyPatienceMs, timerDeadlineMs } from './limits.ts'
import { removeImages } from './remove-images.ts'
import { withdrawCopies } from './withdraw-copies.ts'

type Step = 'watch' | 'retire' | 'make' | 'abandon' | 'prune' | 'remove' | 'rest'

/** How often it is looked how far the log is. An image is made of what takes a writer under load seconds at least. */
const LOOK_MS = 5_000

interface Found {
  readonly au: HeldAurora
  readonly row: Held<VolumeRecord>
  readonly volume: VolumeRecord
  /** Undefined: none has ever been made. */
  readonly held: Held<VolumeImages> | undefined
  readonly images: VolumeImages
}

/** Undefined once the cluster goes: whoever deletes it takes its images along. */
async function found(c: C): Promise<Found | undefined> {
  const au = await auroraOf(c)
  const volume = au && (await volumeOf(c.control, au))
  if (!au || !volume || au.cluster.phase === 'deleting') return undefined
  const held = await volumeImages(c.control, au.cluster).get(volume.value.id)
  return { au, row: volume, volume: volume.value, held, images: held?.value ?? NO_IMAGES }
}

function write(c: C, { au, volume, held }: Found, images: VolumeImages): Mutation {
  const records = volumeImages(c.control, au.cluster)
  return held ? records.update(held, images) : records.create(volume.id, images)
}

const isServing = ({ au: { cluster } }: Found): boolean => cluster.phase === 'available' && cluster.isOpen

/**
 * Keeps the images of an Aurora cluster's volume as young as they are to be, and the log as short as it can be, for as long
 * as the cluster lives. No engine runs for that but while an image is made: what it leaves when it has ended is the image.
 */
export const keepVolumeImages = flow(
  'keep-volume-images',
  {
    exhausted: 'abandon',
    policy: { deadlineMs: timerDeadlineMs },
    steps: { make: { deadlineMs: engineDeadlineMs } },
  },
  {
    watch: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('the cluster is gone')
      if (it.images.making) return go('make')
      if (it.images.leaving.length > 0) return go('remove')
      if (it.volume.former) return go('retire')
      if (!isServing(it) || !it.volume.seed) return wait({ timeoutMs: LOOK_MS })
      const sights = await lookAtVolume(c.control, it.volume)
      const durable = durableIn(sights)
      const due = durable && dueImage(it.images, { seed: it.volume.seed, zones: zonesOf(it.volume), durable })
      if (!due) return pruneOrWait(c, it, sights)
      const until = await checkpoint(c, it, due)
      if (until === undefined) return wait({ timeoutMs: LOOK_MS })
      return go('make', write(c, it, begun(it.images, it.volume, { zone: due.zone, until })))
    },

    /** A volume that the cluster has left, or that came to nothing: its copies, its images, and what it began with. */
    retire: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('the cluster is gone')
      const [gone, ...former] = it.volume.former ?? []
      if (!gone) return go('watch')
      const { zones, isConnected } = c.control.hosts
      // What its host or log node has goes once that is back.
      if (!zones.every((zone) => isConnected(zone))) return wait({ timeoutMs: LOOK_MS })
      for (const zone of zones)
        await c.control.hosts.cancelJobs(zone, `${it.au.cluster.resourceId}/${c.flowId}/${imagePrefix(gone)}`)
      await withdrawCopies(c.control, gone)
      const held = await volumeImages(c.control, it.au.cluster).get(gone.id)
      if (!(await removeImages(c, it.au.cluster, everyImageOf(gone, held?.value, zones[0]!)))) return wait()
      const { former: _before, ...volume } = it.volume
      return go(
        'remove',
        volumes(c.control, it.au.cluster).update(it.row, { ...volume, ...(former.length > 0 && { former }) }),
        held ? volumeImages(c.control, it.au.cluster).remove(held) : NOTHING,
      )
    },

    make: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('the cluster is gone')
      const { making } = it.images
      if (!making) return go('watch')
      // The record up to which it is to go may have been lost with its writer, and nobody writes the next one.
      if (!isServing(it)) return go('abandon')
      const outcome = await job(c, {
        zone: making.zone,
        resourceId: it.au.cluster.resourceId,
        name: making.imageId,
        kind: 'volume.image',
        input: async () => ({
          snapshotId: making.imageId,
          from: imageIn(it.images, making.zone, it.volume.seed!),
          engine: 'postgres',
          version: it.au.cluster.shared.EngineVersion,
          volume: await attachmentIn(c, it, making.zone),
          until: making.until,
        }),
      })
      if (outcome.state === 'pending') return wait({ timeoutMs: LOOK_MS })
      const { image, sizeBytes } = outcome.state === 'succeeded' ? outcome.result : {}
      if (!image || sizeBytes === undefined) return go('abandon')
      return go('remove', write(c, it, made(it.images, { image, sizeBytes, madeAt: c.control.clock.now() })))
    },

    /** The one before is as good as it was, and the next attempt is another image. */
    abandon: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('the cluster is gone')
      const { making } = it.images
      if (!making) return go('rest')
      await c.control.hosts.cancelJobs(making.zone, `${it.au.cluster.resourceId}/${c.flowId}/`)
      // Where nobody serves it was no failure, and the next one waits for that alone.
      return go(isServing(it) ? 'rest' : 'remove', write(c, it, givenUp(it.images)))
    },

    /** It is kept how far before anybody is asked to: whoever makes a copy anew must not begin before. */
    prune: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('the cluster is gone')
      // By then they have said how much they have left.
      if (c.spentMs >= LOOK_MS) return go('watch')
      const asked = { volume: it.volume.id, before: it.images.prunedTo }
      const zones = zonesOf(it.volume).filter((zone) => c.control.hosts.isConnected(zone))
      // Those that cannot be asked now are when they are seen to have more.
      await Promise.allSettled(zones.map((zone) => c.control.hosts.ask(zone, 'lognode.prune', asked)))
      return it.images.leaving.length > 0 ? go('remove') : wait({ timeoutMs: LOOK_MS })
    },

    remove: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('the cluster is gone')
      const { leaving } = it.images
      if (!(await removeImages(c, it.au.cluster, leaving))) return wait()
      for (const zone of zonesOf(it.volume))
        if (c.control.hosts.isConnected(zone))
          await c.control.hosts.forgetJobs(zone, `${it.au.cluster.resourceId}/${c.flowId}/`)
      return go('watch', write(c, it, left(it.images, leaving)))
    },

    /** What failed is begun anew after a while. */
    rest: async (c: C): Promise<Next<Step>> => {
      const leftMs = standbyPatienceMs - c.spentMs
      return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('watch')
    },
  },
)

async function pruneOrWait(c: C, it: Found, sights: readonly VolumeSight[]): Promise<Next<Step>> {
  const { images, volume } = it
  // Copies in other regions begin with what the volume began with, and have all of its log.
  const needed = (it.au.cluster.global ? undefined : neededFrom(volume, { images, sights })) ?? 0
  const before = Math.min(needed, await archivedTo(c.control, volume))
  if (before > images.prunedTo) {
    const zone = c.control.hosts.zones[0]!
    // It may have become one of a global database meanwhile.
    const { key, revision } = it.au.held
    const asSeen: Mutation = { compares: [{ key, modRevision: revision }], ops: [] }
    return go('prune', asSeen, write(c, it, pruned(images, { seed: volume.seed!, zone, before })))
  }
  const members = sights.flatMap((sight) => sight.members)
  return hasMore(members, images.prunedTo) ? go('prune') : wait({ timeoutMs: LOOK_MS })
}

/** Of the writer; undefined: it cannot be asked now, or has paused. */
async function checkpoint(c: C, { au: { cluster } }: Found, { since }: Due): Promise<number | undefined> {
  const writer = cluster.members.find((member) => isWriter(cluster, member))
  if (!writer || !serves(c.control, writer)) return undefined
  const asked = { id: writer.resourceId, since }
  return (await c.control.hosts.ask(writer.zone, 'instance.checkpoint', asked)).at
}

async function attachmentIn(c: C, { au, volume }: Found, zone: string): Promise<ReturnType<typeof keeperAttachment>> {
  const nodes = await requireLogNodes(c.control, c.control.hosts.zones)
  return keeperAttachment(c.control, au.cluster, { volume, nodes, zone, name: `image_${zone}` })
}
