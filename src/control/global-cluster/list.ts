import type { Filter } from '@aws-sdk/client-rds'
import { rdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { invalidValue } from '../db-instance/faults.ts'
import { requireGlobalCluster } from './find.ts'
import { globalClusters, keysOf, type GlobalClusterRecord } from './record.ts'

interface Asked {
  readonly GlobalClusterIdentifier?: string | undefined
  readonly Filters?: Filter[] | undefined
}

/** Of the account, whatever the region of the request. Throws GlobalClusterNotFoundFault, InvalidParameterValue. */
export async function listGlobalClusters(
  control: Pick<Control, 'store'>,
  scope: Scope,
  { GlobalClusterIdentifier: id, Filters = [] }: Asked,
): Promise<GlobalClusterRecord[]> {
  for (const { Name } of Filters) if (Name !== 'db-cluster-id') throw invalidValue(`Unrecognized filter name: ${Name}`)
  const held =
    id === undefined ? await globalClusters(control, scope).list() : [await requireGlobalCluster(control, scope, id)]
  const names = Filters.flatMap(({ Values = [] }) => Values)
  const isAsked = (global: GlobalClusterRecord): boolean =>
    keysOf(global).some((key) => names.includes(key.id) || names.includes(rdsArn(key, 'cluster', key.id)))
  return held.map(({ value }) => value).filter((global) => Filters.length === 0 || isAsked(global))
}
