/** RemoveFromGlobalCluster: a secondary becomes a cluster of its own, that can be written. The primary goes last. */
import type { RemoveFromGlobalClusterMessage } from '@aws-sdk/client-rds'
import { together, type Held, type Mutation } from '#store/collection.ts'
import {
  auroraClusters,
  auroraKeyOf,
  auroraRelaySubjectOf,
  auroraSubjectOf,
  type AuroraClusterRecord,
} from '../aurora-cluster/record.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { clusterNotAvailable } from '../db-cluster/faults.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { started } from '../db-instance/started.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { unfollow } from '../volume/relays.ts'
import { invalidGlobalState } from './faults.ts'
import { refuseSwitching, requireGlobalCluster, requireMember } from './find.ts'
import { globalClusters, isSame, type GlobalClusterRecord } from './record.ts'

type Input = RemoveFromGlobalClusterMessage

export async function removeFromGlobalCluster(
  control: Control,
  scope: Scope,
  { GlobalClusterIdentifier: id, DbClusterIdentifier: cluster }: Input,
): Promise<GlobalClusterRecord> {
  if (id === undefined || cluster === undefined)
    throw invalidCombination('GlobalClusterIdentifier and DbClusterIdentifier must be provided.')
  const { global, flowId } = await transact(control, async () => {
    const held = await requireGlobalCluster(control, scope, id)
    refuseSwitching(held.value)
    const member = await requireMember(control, scope, { global: held.value, idOrArn: cluster })
    const key = auroraKeyOf(member.value)
    const { primary, secondaries } = held.value
    const isPrimary = isSame(primary, key)
    if (isPrimary && secondaries.length > 0)
      throw invalidGlobalState(`Remove the secondary clusters of global cluster ${held.value.id} before its primary.`)
    const changed: GlobalClusterRecord = {
      ...held.value,
      primary: isPrimary ? undefined : primary,
      secondaries: secondaries.filter((one) => !isSame(one, key)),
    }
    if (member.value.phase === 'creating') throw clusterNotAvailable(member.value.id, 'creating')
    const parting = isPrimary ? leave(control, member) : await part(control, member, changed)
    return {
      mutation: together(globalClusters(control, scope).update(held, changed), parting.writes),
      result: { global: changed, flowId: parting.flowId },
    }
  })
  if (flowId !== undefined) await started(control, flowId)
  return global
}

interface Parting {
  readonly writes: Mutation
  readonly flowId: string | undefined
}

function leave(control: Control, held: Held<AuroraClusterRecord>): Parting {
  const { global: _none, ...cluster } = held.value
  return { writes: auroraClusters(control, held.value).update(held, cluster), flowId: undefined }
}

/** Whatever is there by now is what it goes on with: from the moment of this commit on it is no copy any more. */
async function part(control: Control, held: Held<AuroraClusterRecord>, global: GlobalClusterRecord): Promise<Parting> {
  const { global: _none, ...cluster } = held.value
  const key = auroraKeyOf(held.value)
  const volume = await volumes(control, key).get(key.resourceId)
  const primary = global.primary && (await volumes(control, global.primary).get(global.primary.resourceId))
  const relay = await control.flows.supersede('keep-aurora-relay', auroraRelaySubjectOf(key), { key })
  const isWhole = cluster.phase !== 'failed'
  const phase = isWhole ? 'promoting' : cluster.phase
  const writer = isWhole
    ? await control.flows.supersede('start-aurora-writer', auroraSubjectOf(key), promotion(key))
    : undefined
  return {
    writes: together(
      auroraClusters(control, key).update(held, { ...cluster, phase }),
      ...(volume ? [severed(control, volume, { key, above: primary?.value.epoch ?? 0 })] : []),
      relay.writes,
      ...(writer ? [writer.writes] : []),
    ),
    flowId: writer?.id,
  }
}

const promotion = (key: AuroraKey): Record<string, unknown> => ({
  key,
  why: 'promote',
  because: 'The DB cluster was removed from its global cluster.',
})

type AuroraKey = ReturnType<typeof auroraKeyOf>

const severed = (
  control: Control,
  volume: Held<VolumeRecord>,
  { key, above }: { readonly key: AuroraKey; readonly above: number },
): Mutation => volumes(control, key).update(volume, volume.value.relay ? unfollow(volume.value, above) : volume.value)
