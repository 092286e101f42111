/** The jobs that change who of an instance's copies is the primary, and what the primary waits for. */
import { assert } from '#base/assert.ts'
import type { Clock } from '#host/clock.ts'
import type { LogPosition } from '#wire/agent/replication.ts'
import type { Instance } from '../supervisor/instance.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { SEAL_MS_MAX, SYNCHRONIZE_MS_MAX } from '../limits.ts'
import { JobFailure } from './failure.ts'
import { requireFresh } from './fresh.ts'
import type { JobRunners } from './job.ts'

type Kinds = 'instance.promote' | 'instance.seal' | 'instance.fence' | 'instance.synchronize'

export function replicationJobs(supervisor: Supervisor, clock: Clock): Pick<JobRunners, Kinds> {
  return {
    'instance.promote': async ({ spec }, { signal, reached, progress }) => {
      assert(spec.replication?.role === 'primary', 'a standby is promoted to a primary')
      const instance = supervisor.get(spec.id)
      requireFresh(instance, spec)
      await instance.adopt()
      // From here on it is a primary that an earlier run may have half made: there is no way back to following.
      await supervisor.intend(instance, { spec, wanted: 'running' })
      reached('intended')
      progress('promoting the standby')
      if (instance.alive) {
        await instance.ready(signal)
        await instance.configure()
      } else await instance.start(signal)
      reached('configured')
      const timeline = await instance.driver.promote(instance.folder, spec, signal)
      reached('promoted')
      await instance.driver.admitFollowers(instance.folder, spec)
      await instance.look()
      return { result: { timeline } }
    },

    'instance.seal': async ({ spec }, { signal, reached }) => {
      assert(spec.replication?.role === 'standby', 'only a standby receives something')
      const instance = supervisor.get(spec.id)
      requireFresh(instance, spec)
      await instance.adopt()
      await supervisor.intend(instance, { spec })
      reached('intended')
      if (instance.alive) {
        await instance.ready(signal)
        await instance.configure()
        await instance.reload()
      } else await instance.start(signal)
      reached('configured')
      const result = await sealed(instance, clock, signal)
      reached('sealed')
      return { result }
    },

    'instance.fence': async ({ id }, { reached }) => {
      const instance = supervisor.find(id)
      if (instance) {
        await supervisor.intend(instance, { wanted: 'stopped' })
        reached('intended')
        await instance.kill()
      }
      reached('killed')
      return { result: {} }
    },

    'instance.synchronize': async ({ spec }, { signal, reached }) => {
      const instance = supervisor.get(spec.id)
      requireFresh(instance, spec)
      await instance.adopt()
      if (!instance.alive) throw new JobFailure('failed', 'The instance is not running.')
      await instance.ready(signal)
      await supervisor.intend(instance, { spec })
      reached('intended')
      await instance.configure()
      await instance.reload()
      reached('reloaded')
      await inTime(clock, SYNCHRONIZE_MS_MAX, signal, (until) =>
        instance.driver.awaitSynchronous(instance.folder, spec, until),
      ).catch((error: unknown) => {
        throw error instanceof Late ? new JobFailure('failed', 'No standby became synchronous in time.') : error
      })
      reached('synchronized')
      await instance.look()
      return { result: {} }
    },
  }
}

/** Where the standby's log ends, once nothing comes in any more. */
async function sealed(instance: Instance, clock: Clock, signal: AbortSignal): Promise<LogPosition> {
  const awaitSealed = (until: AbortSignal): Promise<LogPosition> =>
    instance.driver.awaitSealed(instance.folder, instance.spec, until)
  try {
    return await inTime(clock, SEAL_MS_MAX, signal, awaitSealed)
  } catch (error) {
    if (!(error instanceof Late)) throw error
    // It is held up by what it applies, and goes on receiving meanwhile: that ends with the engine.
    await instance.stop('fast')
    await instance.start(signal)
    return awaitSealed(signal)
  }
}

class Late extends Error {}

/** What `work` gives. Throws {@link Late} when it does not in time, or whatever ends it. */
async function inTime<R>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (until: AbortSignal) => Promise<R>,
): Promise<R> {
  const late = new AbortController()
  const timer = clock.after(ms, () => late.abort(new Late()))
  try {
    return await work(AbortSignal.any([signal, late.signal]))
  } finally {
    timer.cancel()
  }
}
