import type { Held } from '#store/collection.ts'
import type { Control, Scope } from '../control.ts'
import { clusterNotFound } from '../db-cluster/faults.ts'
import { clusterIdOf } from '../db-cluster/find.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { auroraClusters, isAuroraKey, type AuroraClusterRecord, type AuroraMemberRecords } from './record.ts'

/** The Aurora cluster that a request names. Throws DBClusterNotFoundFault, also for a cluster of the other kind. */
export async function requireAuroraCluster(
  control: Pick<Control, 'store'>,
  scope: Scope,
  idOrArn: string,
): Promise<Held<AuroraClusterRecord>> {
  const held = await auroraClusters(control, scope).get(clusterIdOf(scope, idOrArn))
  if (!held) throw clusterNotFound(idOrArn)
  return held
}

export async function memberRecords(
  control: Pick<Control, 'store'>,
  cluster: AuroraClusterRecord,
): Promise<AuroraMemberRecords> {
  const found = new Map<string, Held<DbInstanceRecord>>()
  for (const { id, resourceId } of cluster.members) {
    const held = await dbInstances(control, cluster).get(id)
    if (held?.value.resourceId === resourceId) found.set(resourceId, held)
  }
  return found
}

/** Every Aurora cluster of every account and region: also those without an instance, whose gateways are still there. */
export async function everyAuroraCluster(control: Pick<Control, 'store'>): Promise<AuroraClusterRecord[]> {
  const { entries } = await control.store.range('rds/')
  return entries.filter(({ key }) => isAuroraKey(key)).map(({ value }) => JSON.parse(value) as AuroraClusterRecord)
}
