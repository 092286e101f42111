/** The jobs that change an instance while it runs, and the one about its binaries. */
import type { EngineDriver } from '#engine/engine.ts'
import type { EngineName } from '#wire/agent/messages.ts'
import type { Instance } from '../supervisor/instance.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { JobFailure } from './failure.ts'
import { requireFresh } from './fresh.ts'
import type { JobRunners } from './job.ts'

type Kinds = 'engine.prepare' | 'instance.reload' | 'instance.set-password'

export function liveJobs(
  supervisor: Supervisor,
  drivers: Readonly<Record<EngineName, EngineDriver>>,
): Pick<JobRunners, Kinds> {
  return {
    'engine.prepare': async ({ engine, version }, { progress, reached }) => {
      const result = await drivers[engine].prepare(version, progress)
      reached('prepared')
      return { result }
    },

    'instance.reload': async ({ spec }, { reached }) => {
      const instance = supervisor.get(spec.id)
      requireFresh(instance, spec)
      await instance.adopt()
      await supervisor.intend(instance, { spec })
      reached('intended')
      await instance.configure()
      reached('configured')
      // One that is down because of its settings, or for want of storage, may come up with these, and at once.
      instance.refusesSettings = false
      if (!instance.alive) supervisor.interrupt(spec.id)
      const pendingRestart = instance.alive ? await instance.reload() : []
      reached('reloaded')
      return { result: { pendingRestart } }
    },

    'instance.set-password': async ({ id, master }, { signal, reached }) => {
      const instance = await running(supervisor.get(id), signal)
      await instance.driver.setPassword(instance.folder, instance.spec, master)
      reached('password-set')
      return { result: {} }
    },
  }
}

async function running(instance: Instance, signal: AbortSignal): Promise<Instance> {
  await instance.adopt()
  if (!instance.alive) throw new JobFailure('failed', 'The instance is not running.')
  await instance.ready(signal)
  return instance
}
