import { resetAllParameters, resetParameters } from '#control/parameter-group/values.ts'
import type { RdsHandler } from '../handler.ts'

/** Without a list of parameters all are reset: `ResetAllParameters` is true unless it is given. */
export const ResetDBParameterGroup: RdsHandler<'ResetDBParameterGroup'> = async (input, context) => {
  const { DBParameterGroupName, Parameters = [] } = input
  const isAll = input.ResetAllParameters ?? Parameters.length === 0
  if (isAll) await resetAllParameters(context.control, context, { name: DBParameterGroupName })
  else await resetParameters(context.control, context, { name: DBParameterGroupName, parameters: Parameters })
  return { DBParameterGroupName }
}
