/** StopDBCluster and StartDBCluster, which RDS has for Aurora DB clusters only. */
import type { Control, Scope } from '../control.ts'
import { invalidClusterState } from './faults.ts'
import { requireCluster } from './find.ts'

/** AWS: RDS API reference, StopDBCluster and StartDBCluster; RDS user guide, Limitations of Multi-AZ DB clusters. */
export async function refusePower(
  control: Pick<Control, 'store'>,
  scope: Scope,
  { operation, idOrArn }: { readonly operation: 'StopDBCluster' | 'StartDBCluster'; readonly idOrArn: string },
): Promise<never> {
  const { id } = (await requireCluster(control, scope, idOrArn)).value
  throw invalidClusterState(`${operation} isn't supported for the Multi-AZ DB cluster ${id}.`)
}
