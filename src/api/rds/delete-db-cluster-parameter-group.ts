import { deleteParameterGroup } from '#control/parameter-group/parameter-groups.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBClusterParameterGroup: RdsHandler<'DeleteDBClusterParameterGroup'> = async (input, context) => {
  const name = input.DBClusterParameterGroupName
  await deleteParameterGroup(context.control, context, { kind: 'cluster', name })
  return {}
}
