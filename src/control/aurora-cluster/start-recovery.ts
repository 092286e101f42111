import type { Control } from '../control.ts'
import type { ClusterKey } from '../db-instance/record.ts'
import type { Mutation } from '#store/collection.ts'
import { auroraSubjectOf } from './record.ts'

interface Recovery {
  readonly id: string
  readonly writes: Mutation
}

/** Writes that start bringing a cluster back whose writer is lost; undefined: something is being done to it already. */
export async function startAuroraRecovery(
  control: Control,
  key: ClusterKey,
  because: string,
): Promise<Recovery | undefined> {
  const subject = auroraSubjectOf(key)
  if (await control.flows.of(subject)) return undefined
  const flow = control.flows.start('start-aurora-writer', subject, { key, why: 'recover', because })
  return { id: flow.id, writes: flow.writes }
}
