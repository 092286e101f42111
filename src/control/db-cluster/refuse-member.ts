import { invalidCombination } from '../db-instance/faults.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'

/** Members of a cluster are changed through it. Throws InvalidParameterCombination for one, naming what is asked for. */
export function refuseMember({ id, cluster }: DbInstanceRecord, operation: string): void {
  if (cluster)
    throw invalidCombination(
      `The DB instance ${id} is a member of the DB cluster ${cluster.id}: ${operation} isn't supported for it. Use the operation on the DB cluster instead.`,
    )
}
