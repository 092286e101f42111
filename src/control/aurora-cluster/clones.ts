/** Copy-on-write clones of an Aurora DB cluster: what makes one, and who belongs together. */
import type { Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { clusterNotFound, clusterNotAvailable, invalidClusterState } from '../db-cluster/faults.ts'
import type { ClusterKey } from '../db-instance/record.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { auroraClusters, findAuroraCluster, isSecondary, type AuroraClusterRecord } from './record.ts'
import { auroraStatusOf } from './sight.ts'

/** Of one cluster. A later one shares nothing. AWS: Aurora user guide, "Cloning a volume for an Amazon Aurora DB cluster". */
export const CLONES_MAX = 15

interface Cloned {
  readonly part: undefined
  readonly clone: Pick<AuroraClusterRecord, 'cloneGroup' | 'clonedFrom'>
  volume(fresh: VolumeRecord): VolumeRecord
  /** Fails where the source has changed since: it may be on its way out, or have one clone more. */
  writes(key: ClusterKey): Mutation
}

/** What a clone of the cluster has of it. Throws DBClusterNotFoundFault, and InvalidDBClusterStateFault for one that cannot be cloned now. */
export async function joinClones(control: Control, source: ClusterKey): Promise<Cloned> {
  const held = await findAuroraCluster(control, source)
  if (!held) throw clusterNotFound(source.id)
  const cluster = held.value
  requireCloneable(control, cluster)
  const records = auroraClusters(control, cluster)
  const clones = (await records.list()).filter(({ value }) => value.clonedFrom === cluster.resourceId)
  const isShared = clones.length < CLONES_MAX
  const cloneGroup = cluster.cloneGroup ?? control.random.uuid()
  return {
    part: undefined,
    clone: isShared ? { cloneGroup, clonedFrom: cluster.resourceId } : {},
    volume: (fresh) => ({ ...fresh, branch: { source, isShared } }),
    writes: () => records.update(held, isShared ? { ...cluster, cloneGroup } : cluster),
  }
}

/** AWS: Aurora user guide, "Limitations of Aurora cloning": not without an instance. */
function requireCloneable(control: Control, cluster: AuroraClusterRecord): void {
  const { id, members } = cluster
  const status = auroraStatusOf(control, cluster)
  if (isSecondary(cluster))
    throw invalidClusterState(`Clones of secondary DB clusters of a global database are not available yet.`)
  if (status !== 'available' && status !== 'stopped') throw clusterNotAvailable(id, status)
  if (members.length === 0) throw invalidClusterState(`DB cluster ${id} cannot be cloned: it has no DB instance.`)
}

/** Whether a clone is being made that has not got all that it needs of the cluster. */
export async function isBeingCloned(control: Pick<Control, 'store'>, source: ClusterKey): Promise<boolean> {
  const rows = await volumes(control, source).list()
  return rows.some(({ value }) => value.branch?.source.resourceId === source.resourceId)
}
