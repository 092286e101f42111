/** DeleteGlobalCluster: of one that no DB cluster belongs to. */
import { transact, type Control, type Scope } from '../control.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { invalidGlobalState } from './faults.ts'
import { requireGlobalCluster } from './find.ts'
import { globalClusters, keysOf, type GlobalClusterRecord } from './record.ts'

export const deleteGlobalCluster = (
  control: Control,
  scope: Scope,
  { GlobalClusterIdentifier: id }: { readonly GlobalClusterIdentifier: string },
): Promise<GlobalClusterRecord> =>
  transact(control, async () => {
    const held = await requireGlobalCluster(control, scope, id)
    if (held.value.deletionProtection)
      throw invalidCombination(
        'Cannot delete protected Global Cluster, please disable deletion protection and try again.',
      )
    if (keysOf(held.value).length > 0)
      throw invalidGlobalState(`Global Cluster ${held.value.id} is not empty: remove its DB clusters from it first.`)
    return { mutation: globalClusters(control, scope).remove(held), result: held.value }
  })
