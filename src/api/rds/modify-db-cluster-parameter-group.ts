import { modifyParameters } from '#control/parameter-group/values.ts'
import type { RdsHandler } from '../handler.ts'

export const ModifyDBClusterParameterGroup: RdsHandler<'ModifyDBClusterParameterGroup'> = async (input, context) => {
  const { DBClusterParameterGroupName, Parameters } = input
  const asked = { kind: 'cluster', name: DBClusterParameterGroupName, parameters: Parameters } as const
  await modifyParameters(context.control, context, asked)
  return { DBClusterParameterGroupName }
}
