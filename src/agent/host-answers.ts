/** What serve asks of the host itself. */
import type { EngineDriver } from '#engine/engine.ts'
import { memoryBytes, residentBytes } from '#host/machine.ts'
import type { EngineName, Questions } from '#wire/agent/messages.ts'
import type { Supervisor } from './supervisor/supervisor.ts'
import type { Volumes } from './volumes.ts'

type Answers = {
  [Q in 'host.facts' | 'host.contents']: (input: Questions[Q]['input']) => Promise<Questions[Q]['answer']>
}

interface Host {
  readonly az: string
  readonly volumes: Volumes
  readonly drivers: Readonly<Record<EngineName, EngineDriver>>
}

export const hostAnswers = ({ az, volumes, drivers }: Host, supervisor: Supervisor): Answers => ({
  'host.facts': async () => ({
    az,
    pid: process.pid,
    reflink: await volumes.reflink(),
    engines: { postgres: await drivers.postgres.installed() },
    memoryBytes: memoryBytes(),
    residentBytes: residentBytes(),
  }),
  'host.contents': async () => {
    const { instances, snapshots } = await volumes.contents()
    const known = supervisor.observed().map(({ id }) => id)
    return { instances: [...new Set([...instances, ...known])], snapshots }
  },
})
