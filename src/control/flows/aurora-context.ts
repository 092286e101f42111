/** What the steps of an Aurora cluster's flows work with. */
import { assert } from '#base/assert.ts'
import { together, type Held, type Mutation } from '#store/collection.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { memberRecords } from '../aurora-cluster/find.ts'
import { placementAs, type Part } from '../aurora-cluster/placement.ts'
import {
  auroraClusters,
  findAuroraCluster,
  type AuroraClusterRecord,
  type AuroraMemberRecords,
} from '../aurora-cluster/record.ts'
import { dbInstances, type ClusterKey, type DbInstanceRecord } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import type { Control } from '../control.ts'
import { requireLogNodes } from '../volume/log-nodes.ts'
import { imageIn, imagesOf } from '../volume/images.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import type { FlowContext } from './context.ts'

export interface AuroraInput {
  readonly key: ClusterKey
}

export type AuroraContext = FlowContext<AuroraInput>

/** A cluster as read, with the records of its instances by resource id. */
export interface HeldAurora {
  readonly held: Held<AuroraClusterRecord>
  readonly cluster: AuroraClusterRecord
  readonly members: AuroraMemberRecords
}

export async function heldAurora(control: Control, key: ClusterKey): Promise<HeldAurora | undefined> {
  const held = await findAuroraCluster(control, key)
  return held && { held, cluster: held.value, members: await memberRecords(control, held.value) }
}

/** The flow's cluster. Undefined once it is deleted. */
export const auroraOf = (c: AuroraContext): Promise<HeldAurora | undefined> => heldAurora(c.control, c.input.key)

export const replaceAurora = (control: Control, { held }: HeldAurora, cluster: AuroraClusterRecord): Mutation =>
  auroraClusters(control, cluster).update(held, cluster)

export const changeAurora = (control: Control, au: HeldAurora, changes: Partial<AuroraClusterRecord>): Mutation =>
  replaceAurora(control, au, { ...au.cluster, ...changes })

export const replaceMember = (control: Control, held: Held<DbInstanceRecord>, record: DbInstanceRecord): Mutation =>
  dbInstances(control, record).update(held, record)

/** The write that changes the records of some of the instances all alike. */
export const changeMembers = (
  control: Control,
  members: Iterable<Held<DbInstanceRecord>>,
  changes: Partial<DbInstanceRecord>,
): Mutation => together(...[...members].map((held) => replaceMember(control, held, { ...held.value, ...changes })))

/** The spec of an instance that is to have this part. */
export async function specAs(
  control: Control,
  as: { readonly record: DbInstanceRecord; readonly part: Part; readonly volume: VolumeRecord },
): Promise<InstanceSpec> {
  const nodes = await requireLogNodes(control, control.hosts.zones)
  return instanceSpec(control, as.record, placementAs(control, { volume: as.volume, nodes }, as))
}

/** What an instance in this zone is made of, by an order of this name. */
export async function imageFor(
  control: Pick<Control, 'store'>,
  { cluster }: Pick<HeldAurora, 'cluster'>,
  order: { readonly zone: string; readonly volume: VolumeRecord; readonly making: string },
): Promise<{ snapshotId: string; making: string }> {
  const { id, seed } = order.volume
  assert(seed, 'a volume that instances are made of has begun')
  return { snapshotId: imageIn(await imagesOf(control, cluster, id), order.zone, seed), making: order.making }
}

export const volumeOf = async (
  control: Pick<Control, 'store'>,
  { cluster }: Pick<HeldAurora, 'cluster'>,
): Promise<Held<VolumeRecord> | undefined> => volumes(control, cluster).get(cluster.resourceId)

/** Drops the flow's ended jobs from the tables of the hosts that can be reached. */
export async function forgetAuroraJobs(
  c: Pick<AuroraContext, 'control' | 'flowId'>,
  { members }: AuroraClusterRecord,
): Promise<void> {
  for (const { zone, resourceId } of members)
    if (c.control.hosts.isConnected(zone)) await c.control.hosts.forgetJobs(zone, `${resourceId}/${c.flowId}/`)
}
