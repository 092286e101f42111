import { describeParameters } from '#control/parameter-group/describe.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeEngineDefaultClusterParameters: RdsHandler<'DescribeEngineDefaultClusterParameters'> = (input) => {
  const { DBParameterGroupFamily } = input
  const group = { kind: 'cluster', family: DBParameterGroupFamily, values: {} } as const
  const parameters = describeParameters(group, { filters: input.Filters })
  const { items, ...more } = page(parameters, { ...input, keyOf: (parameter) => parameter.ParameterName! })
  return { EngineDefaults: { DBParameterGroupFamily, Parameters: items, ...more } }
}
