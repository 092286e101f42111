import { together, type Held, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { clusterKeyOf, clusterSubjectOf, dbClusters, type DbClusterRecord } from './record.ts'
import { canElect, lossOfWriter } from './sight.ts'

/** Writes that start bringing a cluster back whose writer is gone; undefined: it serves, or nobody can tell. */
export function startClusterRecovery(
  control: Control,
  held: Held<DbClusterRecord>,
): { readonly id: string; readonly writes: Mutation } | undefined {
  const cluster = held.value
  const because = cluster.phase === 'available' ? lossOfWriter(control, cluster) : undefined
  if (because === undefined) return undefined
  const key = clusterKeyOf(cluster)
  const flow = control.flows.start('recover-db-cluster', clusterSubjectOf(key), { key, isForced: false, because })
  const phase = canElect(control, cluster) ? 'failing-over' : 'rebooting'
  return { id: flow.id, writes: together(dbClusters(control, key).update(held, { ...cluster, phase }), flow.writes) }
}
