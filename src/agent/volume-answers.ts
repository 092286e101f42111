/** What serve asks about cluster volumes: their instances, also those of other hosts, and the host's log node. */
import type { EngineDriver } from '#engine/engine.ts'
import { SOURCE_ANSWER_MS_MAX } from '#engine/limits.ts'
import type { Clock } from '#host/clock.ts'
import type { EngineName } from '#wire/agent/messages.ts'
import type { VolumeQuestions } from '#wire/agent/volume.ts'
import type { LogNodeQuestions } from '#wire/lognode/messages.ts'
import { PUNCTUAL_MS } from './limits.ts'
import type { Heads } from './heads.ts'
import { logAnswers } from './log-answers.ts'
import type { ConnectedLogNode } from './log-node.ts'
import type { Supervisor } from './supervisor/supervisor.ts'
import type { Volumes } from './volumes.ts'

interface Parts {
  readonly supervisor: Supervisor
  readonly drivers: Readonly<Record<EngineName, EngineDriver>>
  readonly clock: Clock
  readonly logNode?: ConnectedLogNode | undefined
  readonly volumes: Volumes
  readonly heads: Heads
}

type Asked = VolumeQuestions & LogNodeQuestions

export type VolumeAnswers = { [Q in keyof Asked]: (input: Asked[Q]['input']) => Promise<Asked[Q]['answer']> }

export const volumeAnswers = ({ supervisor, drivers, clock, logNode, volumes, heads }: Parts): VolumeAnswers => ({
  ...logAnswers({ logNode, volumes, heads }),
  'engine.answers': async ({ engine, host, port }) => {
    const since = clock.monotonic()
    const answers = await drivers[engine].answers({ host, port })
    return { answers, isLate: clock.monotonic() - since > SOURCE_ANSWER_MS_MAX + PUNCTUAL_MS }
  },
  'instance.checkpoint': async ({ id, since }) => supervisor.get(id).checkpoint(since),
  'instance.tell-replicas': async ({ id, ...told }) => supervisor.get(id).tellReplicas(told),
})
