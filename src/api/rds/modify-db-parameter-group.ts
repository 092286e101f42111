import { modifyParameters } from '#control/parameter-group/values.ts'
import type { RdsHandler } from '../handler.ts'

export const ModifyDBParameterGroup: RdsHandler<'ModifyDBParameterGroup'> = async (input, context) => {
  const { DBParameterGroupName } = input
  await modifyParameters(context.control, context, { name: DBParameterGroupName, parameters: input.Parameters })
  return { DBParameterGroupName }
}
