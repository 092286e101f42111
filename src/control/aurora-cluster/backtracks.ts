/** What is kept of backtracks of Aurora clusters, and what a time means to them. */
import { Collection, NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import type { SnapshotPlace } from '#wire/agent/archive.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import type { ClusterKey, InstanceKey } from '../db-instance/record.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { auroraClusters, findAuroraCluster, type AuroraClusterRecord } from './record.ts'
import { pastStrandAt, strandKey } from './strands.ts'

export interface BacktrackRecord {
  readonly id: string
  readonly cluster: ClusterKey
  readonly status: 'pending' | 'applying' | 'completed' | 'failed'
  /** The times of all of them in milliseconds since the epoch. */
  readonly requestedAt: number
  /** What the cluster is to have is what it had then. */
  readonly to: number
  /** When nobody could write any more; until then: when it was asked for. */
  readonly from: number
  /** Id of the volume that it makes. */
  readonly strand: string
  /** The volume, while it is made, and where the image that it begins with stands in its log. */
  readonly volume?: VolumeRecord
  readonly log?: SnapshotPlace | undefined
  /** Why it failed. */
  readonly complaint?: string
}

/** By the cluster's resource id and their own. */
export const backtracks = (control: Pick<Control, 'store'>, scope: Scope): Collection<BacktrackRecord> =>
  new Collection(control.store, prefixOf(scope, 'aurora-backtrack'))

export const backtrackId = ({ resourceId }: Pick<ClusterKey, 'resourceId'>, id: string): string => `${resourceId}/${id}`

/** Those of one cluster, oldest first. */
export async function backtracksOf(
  control: Pick<Control, 'store'>,
  cluster: Scope & Pick<ClusterKey, 'resourceId'>,
): Promise<Held<BacktrackRecord>[]> {
  const all = await backtracks(control, cluster).list(`${cluster.resourceId}/`)
  return all.sort((a, b) => a.value.requestedAt - b.value.requestedAt)
}

/** What is kept of one cluster. AWS shows a page of as many. */
const KEPT_MAX = 100

/** The write of a new one, and those by which the oldest are forgotten. */
export async function addBacktrack(control: Pick<Control, 'store'>, record: BacktrackRecord): Promise<Mutation> {
  const collection = backtracks(control, record.cluster)
  const surplus = (await backtracksOf(control, record.cluster)).slice(0, -(KEPT_MAX - 1))
  return together(
    collection.create(backtrackId(record.cluster, record.id), record),
    ...surplus.map((held) => collection.remove(held)),
  )
}

export const forgetBacktracks = async (
  control: Pick<Control, 'store'>,
  cluster: Scope & Pick<ClusterKey, 'resourceId'>,
): Promise<Mutation> =>
  together(...(await backtracksOf(control, cluster)).map((held) => backtracks(control, cluster).remove(held)))

/** Where the archive has what the cluster had then; undefined: what it has now. */
export async function strandAt(
  control: Pick<Control, 'store'>,
  cluster: AuroraClusterRecord,
  time: number | undefined,
): Promise<InstanceKey> {
  const past = pastStrandAt(cluster, time)
  const present = past ? undefined : await volumes(control, cluster).get(cluster.resourceId)
  return strandKey(cluster, past?.id ?? present?.value.id ?? cluster.resourceId)
}

/** All of which there may be something somewhere: its own, those that it has left, and those that are being made. */
export async function volumesOf(
  control: Pick<Control, 'store'>,
  cluster: AuroraClusterRecord,
): Promise<VolumeRecord[]> {
  const own = (await volumes(control, cluster).get(cluster.resourceId))?.value
  const making = (await backtracksOf(control, cluster)).flatMap(({ value: { volume } }) => (volume ? [volume] : []))
  return [...(own ? [own] : []), ...(own?.former ?? []), ...making.filter(({ id }) => id !== own?.id)]
}

/** One that has not failed is over when the cluster serves. */
export async function completeBacktrack(
  control: Pick<Control, 'store'>,
  { key, backtrack }: { readonly key: ClusterKey; readonly backtrack?: string | undefined },
): Promise<Mutation> {
  const held = backtrack === undefined ? undefined : await backtracks(control, key).get(backtrackId(key, backtrack))
  if (held?.value.status !== 'applying') return NOTHING
  return backtracks(control, key).update(held, { ...held.value, status: 'completed' })
}

/** The write by which the cluster cannot go to a strand any more: nothing is left of it. */
export async function forgetStrand(
  control: Pick<Control, 'store'>,
  key: ClusterKey,
  volumeId: string,
): Promise<Mutation> {
  const held = await findAuroraCluster(control, key)
  if (!held) return NOTHING
  const pastStrands = (held.value.pastStrands ?? []).filter(({ id }) => id !== volumeId)
  return auroraClusters(control, key).update(held, { ...held.value, pastStrands })
}
