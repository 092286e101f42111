import type { Held } from '#store/collection.ts'
import { parseRdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { everyInstance } from '../db-instance/find.ts'
import { clusterNotFound } from './faults.ts'
import { dbClusters, findCluster, type DbClusterRecord } from './record.ts'

/** The identifier in a name or an ARN, as it is stored. Throws DBClusterNotFoundFault for an ARN of anything else. */
export function clusterIdOf(scope: Scope, idOrArn: string): string {
  if (!idOrArn.startsWith('arn:')) return idOrArn.toLowerCase()
  const arn = parseRdsArn(idOrArn)
  if (arn?.type !== 'cluster' || arn.account !== scope.account || arn.region !== scope.region)
    throw clusterNotFound(idOrArn)
  return arn.id.toLowerCase()
}

/** The cluster that a request names. Throws DBClusterNotFoundFault. */
export async function requireCluster(
  control: Pick<Control, 'store'>,
  scope: Scope,
  idOrArn: string,
): Promise<Held<DbClusterRecord>> {
  const held = await dbClusters(control, scope).get(clusterIdOf(scope, idOrArn))
  if (!held) throw clusterNotFound(idOrArn)
  return held
}

/** Every cluster of every account and region: those that their members name. */
export async function* everyCluster(control: Pick<Control, 'store'>): AsyncGenerator<Held<DbClusterRecord>> {
  const seen = new Set<string>()
  for await (const { value } of everyInstance(control)) {
    if (!value.cluster || seen.has(value.cluster.resourceId)) continue
    seen.add(value.cluster.resourceId)
    const held = await findCluster(control, value.cluster)
    if (held) yield held
  }
}
