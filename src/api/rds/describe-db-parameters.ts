import { describeParameters } from '#control/parameter-group/describe.ts'
import { requireParameterGroup } from '#control/parameter-group/parameter-groups.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBParameters: RdsHandler<'DescribeDBParameters'> = async (input, context) => {
  const group = await requireParameterGroup(context.control, context, { name: input.DBParameterGroupName })
  const parameters = describeParameters(group, { source: input.Source, filters: input.Filters })
  const { items, ...more } = page(parameters, { ...input, keyOf: (parameter) => parameter.ParameterName! })
  return { Parameters: items, ...more }
}
