/** The two jobs that make an instance: from nothing, and from a snapshot. */
import { isDiskFull } from '#host/disk.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { Instance } from '../supervisor/instance.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Volumes } from '../volumes.ts'
import { JobFailure } from './failure.ts'
import type { JobContext, JobOutcome, JobRunners } from './job.ts'

export function fillingJobs(
  supervisor: Supervisor,
  volumes: Volumes,
): Pick<JobRunners, 'instance.create' | 'instance.restore'> {
  /** Makes a volume and an engine on it; what is half-made is removed when that fails. */
  async function make(
    spec: InstanceSpec,
    context: JobContext,
    steps: Steps,
  ): Promise<JobOutcome<Record<never, never>>> {
    // A flow whose job was done and dropped may ask again; what is there by now is a database, not a half-made one.
    if (supervisor.find(spec.id)?.recorded) return { result: {} }
    const instance = supervisor.add({ spec, wanted: 'running', crashes: 0 }, false)
    try {
      await wipe(instance)
      context.reached('wiped')
      context.signal.throwIfAborted()
      await fillAndStart(instance, context, steps)
    } catch (error) {
      await wipe(instance)
      supervisor.drop(instance)
      throw error
    }
    return {
      result: {},
      writes: [supervisor.recordOf(instance)],
      onRecorded: () => {
        instance.recorded = true
      },
    }
  }

  /** An earlier run may have left a folder, and an engine that runs on it. */
  async function wipe(instance: Instance): Promise<void> {
    await instance.stop('immediate')
    await volumes.removeInstance(instance.id)
  }

  return {
    'instance.create': ({ spec, master, databaseName }, context) =>
      make(spec, context, {
        fill: (instance) => instance.driver.initialize(instance.folder, spec, context.signal),
        filled: 'initialized',
        finish: (instance) => instance.driver.bootstrap(instance.folder, spec, master, databaseName),
        finished: 'bootstrapped',
      }),

    'instance.restore': async ({ spec, snapshotId, master }, context) => {
      if (!(await volumes.snapshot(snapshotId))) {
        throw new JobFailure('snapshot-missing', `The host does not have the snapshot ${snapshotId}.`)
      }
      const snapshotFolder = volumes.snapshotFolder(snapshotId)
      return make(spec, context, {
        fill: (instance) => instance.driver.restore(instance.folder, spec, snapshotFolder, context.signal),
        filled: 'restored',
        finish: async (instance) => {
          if (master) await instance.driver.setPassword(instance.folder, spec, master)
        },
        finished: 'password-set',
      })
    },
  }
}

interface Steps {
  fill(instance: Instance): Promise<void>
  readonly filled: string
  /** What is left to do once the engine runs. */
  finish(instance: Instance): Promise<void>
  readonly finished: string
}

async function fillAndStart(instance: Instance, context: JobContext, steps: Steps): Promise<void> {
  const { driver, folder, spec } = instance
  context.progress('making the data volume')
  await steps.fill(instance)
  context.reached(steps.filled)
  await driver.configure(folder, spec)
  context.reached('configured')
  context.progress('starting the engine')
  // Waiting for the disk and starting the engine overlap: neither needs the other before the end.
  const sealed = driver.seal(folder)
  try {
    await instance.launch(context.signal)
    context.reached('started')
    await steps.finish(instance)
    context.reached(steps.finished)
    context.signal.throwIfAborted()
  } catch (error) {
    // Both can fail for one reason, a full disk, and that one says more.
    const seal = await Promise.allSettled([sealed])
    throw seal[0].status === 'rejected' && isDiskFull(seal[0].reason) ? seal[0].reason : error
  }
  await sealed
  context.reached('sealed')
}
