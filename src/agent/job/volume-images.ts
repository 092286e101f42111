/** The jobs that make images of cluster volumes: what one begins with, and later ones. */
import type { ObjectStore } from '#archive/object-store.ts'
import type { EngineDriver } from '#engine/engine.ts'
import type { EngineName } from '#wire/agent/messages.ts'
import type { Volumes } from '../volumes.ts'
import { Recoverer } from './backups.ts'
import type { JobRunners } from './job.ts'
import type { Maker } from './make.ts'
import { makeSnapshot } from './snapshots.ts'

interface Parts {
  readonly volumes: Volumes
  readonly drivers: Readonly<Record<EngineName, EngineDriver>>
  readonly maker: Maker
  /** Undefined: there is no archive, and nothing in it is missing either. */
  readonly archive: ObjectStore | undefined
}

export function imageJobs({
  volumes,
  drivers,
  maker,
  archive: objects,
}: Parts): Pick<JobRunners, 'volume.seed' | 'volume.image'> {
  return {
    'volume.seed': async ({ snapshotId, engine, from, ...order }, context) =>
      makeSnapshot({ volumes, snapshotId, context }, async () => {
        const driver = drivers[engine]
        const { signal } = context
        const fill = async (folder: string): Promise<void> => {
          if (!from) return
          if ('snapshotId' in from)
            return driver.restore(folder, order, await maker.folderOfSnapshot(from.snapshotId), signal)
          if ('branch' in from)
            return maker.withSnapshot(from.branch.imageId, (image) =>
              driver.onVolume.branch(folder, { ...from.branch, version: order.version, from: image }, signal),
            )
          if (objects) return new Recoverer(objects, volumes, signal).recover({ folder, driver }, order, from)
        }
        const filled = from && (!('prefix' in from) || objects) ? { ...order, fill } : order
        return driver.onVolume.seed(volumes.snapshotFolder(snapshotId), filled, signal)
      }),

    'volume.image': async ({ snapshotId, engine, from, ...order }, context) =>
      makeSnapshot({ volumes, snapshotId, context }, async () => {
        const earlier = await maker.folderOfSnapshot(from)
        const target = volumes.snapshotFolder(snapshotId)
        return drivers[engine].onVolume.image(target, { ...order, from: earlier }, context.signal)
      }),
  }
}
