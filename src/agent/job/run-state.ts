/** The jobs that start and stop engines. */
import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '../supervisor/instance.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Volumes } from '../volumes.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { JobFailure } from './failure.ts'
import { requireFresh } from './fresh.ts'
import type { JobRunners } from './job.ts'

type Kinds = 'instance.start' | 'instance.restart' | 'instance.stop' | 'instance.remove'

export function runStateJobs(supervisor: Supervisor, volumes: Volumes): Pick<JobRunners, Kinds> {
  return {
    'instance.start': async ({ spec }, { signal, reached }) => {
      const instance = supervisor.get(spec.id)
      requireFresh(instance, spec)
      requireReader(instance, spec)
      const before = instance.record
      await instance.adopt()
      const same = isDeepStrictEqual(before.spec, spec)
      if (instance.alive && !same) await instance.stop('fast')
      reached('stopped')
      // Written with the job's end only: an instance that could not be started is not one that is to run.
      instance.record = { ...before, spec, wanted: 'running' }
      try {
        if (instance.alive) await instance.ready(signal)
        else await instance.start(signal)
      } catch (error) {
        instance.record = { ...instance.record, spec: before.spec, wanted: before.wanted }
        throw error
      }
      reached('started')
      return { result: {}, writes: [supervisor.recordOf(instance)] }
    },

    'instance.restart': async ({ spec }, { signal, reached }) => {
      const instance = supervisor.get(spec.id)
      requireFresh(instance, spec)
      requireReader(instance, spec)
      await instance.stop('fast')
      reached('stopped')
      // It stays an instance that is to run, with this spec, also if it does not come up now.
      await supervisor.intend(instance, { spec, wanted: 'running' })
      reached('intended')
      await instance.start(signal)
      reached('started')
      return { result: {} }
    },

    'instance.stop': async ({ id, mode }, { reached }) => {
      const instance = supervisor.get(id)
      await supervisor.intend(instance, { wanted: 'stopped' })
      reached('intended')
      await instance.stop(mode)
      reached('stopped')
      return { result: {} }
    },

    'instance.remove': async ({ id }, { reached }) => {
      const instance = supervisor.find(id)
      if (instance) {
        // From here on there is no way back to a running instance, even if this job is never finished.
        await supervisor.intend(instance, { wanted: 'stopped' })
        reached('intended')
        await instance.stop('immediate')
        reached('stopped')
      }
      await volumes.removeInstance(id)
      reached('removed')
      return {
        result: {},
        writes: [supervisor.removalOf(id)],
        onRecorded: () => {
          if (instance) supervisor.drop(instance)
        },
      }
    },
  }
}

/**
 * A writer of a cluster volume asks the volume first, each time: it leads an epoch. What was one, or was to be one, may
 * have applied what the volume does not have, and shows it to nobody before it is known to follow.
 */
function requireReader({ spec: { volume: before } }: Instance, { volume }: InstanceSpec): void {
  if (volume?.role === 'writer')
    throw new JobFailure('failed', 'A writer of a cluster volume is started by leading an epoch.')
  if (volume && (before?.role === 'writer' || before?.isOpen === false))
    throw new JobFailure('failed', 'What was a writer of a cluster volume is attached to it before it serves.')
}
