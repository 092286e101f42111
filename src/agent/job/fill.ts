/** The jobs that make an instance: from nothing, from a snapshot, and as a standby of another copy. */
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Volumes } from '../volumes.ts'
import type { JobRunners } from './job.ts'
import { Maker } from './make.ts'

export function fillingJobs(
  supervisor: Supervisor,
  volumes: Volumes,
): Pick<JobRunners, 'instance.create' | 'instance.restore' | 'instance.follow'> {
  const maker = new Maker(supervisor, volumes)
  return {
    'instance.create': async ({ spec, master, databaseName }, context) =>
      // A flow whose job was done and dropped may ask again; what is there by now is a database, not a half-made one.
      maker.isMade(spec)
        ? { result: {} }
        : maker.make({ spec, wanted: 'running', crashes: 0 }, context, {
            fill: (instance) => instance.driver.initialize(instance.folder, spec, context.signal),
            filled: 'initialized',
            finish: (instance) => instance.driver.bootstrap(instance.folder, spec, master, databaseName),
            finished: 'bootstrapped',
          }),

    'instance.restore': async ({ spec, snapshotId, master }, context) => {
      if (maker.isMade(spec)) return { result: {} }
      const snapshotFolder = await maker.folderOfSnapshot(snapshotId)
      return maker.make({ spec, wanted: 'running', crashes: 0 }, context, {
        fill: (instance) => instance.driver.restore(instance.folder, spec, snapshotFolder, context.signal),
        filled: 'restored',
        finish: async (instance) => {
          if (master) await instance.driver.setPassword(instance.folder, spec, master)
        },
        finished: 'password-set',
      })
    },

    'instance.follow': async ({ spec, seedId }, context) => {
      const before = supervisor.find(spec.id)
      if (before?.recorded && before.record.seedId === seedId) {
        await volumes.removeSnapshot(seedId)
        return { result: {} }
      }
      const seedFolder = await maker.folderOfSnapshot(seedId)
      if (before) await maker.clear(before)
      const outcome = await maker.make({ spec, wanted: 'running', crashes: 0, seedId }, context, {
        fill: (instance) => instance.driver.follow(instance.folder, spec, seedFolder, context.signal),
        filled: 'filled',
        finish: async (instance) => {
          await instance.driver.admitFollowers(instance.folder, spec)
          await instance.joined(context.signal)
        },
        finished: 'followed',
      })
      await volumes.removeSnapshot(seedId)
      return outcome
    },
  }
}
