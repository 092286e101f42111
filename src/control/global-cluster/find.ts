import type { Held } from '#store/collection.ts'
import { parseRdsArn } from '../arn.ts'
import { auroraClusters, auroraKeyOf, findAuroraCluster, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import type { Control, Scope } from '../control.ts'
import { clusterNotFound } from '../db-cluster/faults.ts'
import { globalNotFound, invalidGlobalState } from './faults.ts'
import { globalClusters, isSame, keysOf, type GlobalClusterRecord } from './record.ts'

type Stored = Pick<Control, 'store'>

/** Throws GlobalClusterNotFoundFault. */
export async function requireGlobalCluster(
  control: Stored,
  scope: Scope,
  id: string,
): Promise<Held<GlobalClusterRecord>> {
  const held = await globalClusters(control, scope).get(id.toLowerCase())
  if (!held) throw globalNotFound(id)
  return held
}

/** A DB cluster by its ARN, of whichever region, or by its name in the request's. Throws DBClusterNotFoundFault. */
export async function requireClusterAnywhere(
  control: Stored,
  scope: Scope,
  idOrArn: string,
): Promise<Held<AuroraClusterRecord>> {
  const arn = idOrArn.startsWith('arn:') ? parseRdsArn(idOrArn) : undefined
  const isOurs = arn?.type === 'cluster' && arn.account === scope.account
  if (idOrArn.startsWith('arn:') && !isOurs) throw clusterNotFound(idOrArn)
  const held = await auroraClusters(control, arn ?? scope).get((arn?.id ?? idOrArn).toLowerCase())
  if (!held) throw clusterNotFound(idOrArn)
  return held
}

/** One of the clusters of a global one. Throws DBClusterNotFoundFault, also for another one. */
export async function requireMember(
  control: Stored,
  scope: Scope,
  { global, idOrArn }: { readonly global: GlobalClusterRecord; readonly idOrArn: string },
): Promise<Held<AuroraClusterRecord>> {
  const held = await requireClusterAnywhere(control, scope, idOrArn)
  const key = auroraKeyOf(held.value)
  if (!keysOf(global).some((one) => isSame(one, key))) throw clusterNotFound(idOrArn)
  return held
}

/** All of its clusters that are there, the primary first. */
export async function membersOfGlobal(
  control: Stored,
  global: GlobalClusterRecord,
): Promise<Held<AuroraClusterRecord>[]> {
  const found = await Promise.all(keysOf(global).map((key) => findAuroraCluster(control, key)))
  return found.filter((held) => held !== undefined)
}

export function refuseSwitching({ id, switch: under }: GlobalClusterRecord): void {
  if (under) throw invalidGlobalState(`Global cluster ${id} is ${under.status}.`)
}
