/** The jobs that change who of an instance's copies is the primary, and what the primary waits for. */
import { assert } from '#base/assert.ts'
import type { Clock } from '#host/clock.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { SYNCHRONIZE_MS_MAX } from '../limits.ts'
import { JobFailure } from './failure.ts'
import { requireFresh } from './fresh.ts'
import type { JobRunners } from './job.ts'

type Kinds = 'instance.promote' | 'instance.fence' | 'instance.synchronize'

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
        await instance.driver.configure(instance.folder, spec)
      } else await instance.start(signal)
      reached('configured')
      const timeline = await instance.driver.promote(instance.folder, spec, signal)
      reached('promoted')
      await instance.driver.admitFollowers(instance.folder, spec)
      await instance.look()
      return { result: { timeline } }
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
      await instance.driver.configure(instance.folder, spec)
      await instance.reload()
      reached('reloaded')
      const late = new AbortController()
      const timer = clock.after(SYNCHRONIZE_MS_MAX, () =>
        late.abort(new JobFailure('failed', 'No standby became synchronous in time.')),
      )
      try {
        await instance.driver.awaitSynchronous(instance.folder, spec, AbortSignal.any([signal, late.signal]))
      } finally {
        timer.cancel()
      }
      reached('synchronized')
      await instance.look()
      return { result: {} }
    },
  }
}
