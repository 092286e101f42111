import { deleteParameterGroup } from '#control/parameter-group/parameter-groups.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBParameterGroup: RdsHandler<'DeleteDBParameterGroup'> = async (input, context) => {
  await deleteParameterGroup(context.control, context, { name: input.DBParameterGroupName })
  return {}
}
