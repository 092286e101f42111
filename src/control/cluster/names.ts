/** DB clusters of both kinds, by their names: no two of either kind have one. */
import type { Held, Mutation } from '#store/collection.ts'
import { auroraClusters, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import type { Control, Scope } from '../control.ts'
import { clusterExists, clusterNotFound } from '../db-cluster/faults.ts'
import { clusterIdOf } from '../db-cluster/find.ts'
import { dbClusters, type DbClusterRecord } from '../db-cluster/record.ts'

type Kind = 'aurora' | 'multi-az'

export type AnyCluster = DbClusterRecord | AuroraClusterRecord

type Stored = Pick<Control, 'store'>

/** Throws DBClusterAlreadyExistsFault. */
export async function requireFreeClusterName(control: Stored, scope: Scope, id: string): Promise<void> {
  if ((await dbClusters(control, scope).get(id)) ?? (await auroraClusters(control, scope).get(id)))
    throw clusterExists()
}

/** Fails the transaction that makes a cluster if one of the other kind has its name by then. */
export const clusterNameTaken = (
  control: Stored,
  scope: Scope,
  { id, by }: { readonly id: string; readonly by: Kind },
): Mutation => {
  const others = by === 'aurora' ? dbClusters(control, scope) : auroraClusters(control, scope)
  return { compares: [{ key: others.prefix + id, modRevision: 0 }], ops: [] }
}

/** The cluster that a request names, of whichever kind. Throws DBClusterNotFoundFault. */
export async function requireAnyCluster(control: Stored, scope: Scope, idOrArn: string): Promise<AnyCluster> {
  const id = clusterIdOf(scope, idOrArn)
  const held = (await dbClusters(control, scope).get(id)) ?? (await auroraClusters(control, scope).get(id))
  if (!held) throw clusterNotFound(idOrArn)
  return held.value
}

/** All of the account and region. */
export async function allClusters(control: Stored, scope: Scope): Promise<AnyCluster[]> {
  const held: readonly Held<AnyCluster>[] = [
    ...(await dbClusters(control, scope).list()),
    ...(await auroraClusters(control, scope).list()),
  ]
  return held.map(({ value }) => value)
}
