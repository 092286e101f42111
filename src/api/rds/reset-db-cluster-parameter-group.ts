import { resetAllParameters, resetParameters } from '#control/parameter-group/values.ts'
import type { RdsHandler } from '../handler.ts'

/** Without a list of parameters all are reset, as for a DB parameter group. */
export const ResetDBClusterParameterGroup: RdsHandler<'ResetDBClusterParameterGroup'> = async (input, context) => {
  const { DBClusterParameterGroupName, Parameters = [] } = input
  const group = { kind: 'cluster', name: DBClusterParameterGroupName } as const
  const isAll = input.ResetAllParameters ?? Parameters.length === 0
  if (isAll) await resetAllParameters(context.control, context, group)
  else await resetParameters(context.control, context, { ...group, parameters: Parameters })
  return { DBClusterParameterGroupName }
}
