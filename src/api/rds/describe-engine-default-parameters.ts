import { describeParameters } from '#control/parameter-group/describe.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeEngineDefaultParameters: RdsHandler<'DescribeEngineDefaultParameters'> = (input) => {
  const { DBParameterGroupFamily } = input
  const parameters = describeParameters({ family: DBParameterGroupFamily, values: {} }, { filters: input.Filters })
  const { items, ...more } = page(parameters, { ...input, keyOf: (parameter) => parameter.ParameterName! })
  return { EngineDefaults: { DBParameterGroupFamily, Parameters: items, ...more } }
}
