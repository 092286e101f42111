import { invalidState } from '../db-instance/faults.ts'
import { requireInstance } from '../db-instance/find.ts'
import type { Control, Scope } from '../control.ts'

/** SwitchoverReadReplica. AWS: RDS API reference: for read replicas of RDS for Oracle, which there are none of here. */
export async function switchoverReadReplica(control: Control, scope: Scope, idOrArn: string): Promise<never> {
  const { value } = await requireInstance(control, scope, idOrArn)
  throw invalidState(
    `SwitchoverReadReplica is supported only for Oracle read replicas, and DB instance ${value.id} runs ${value.engine}. Use PromoteReadReplica.`,
  )
}
