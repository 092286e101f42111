import { describeOrderable, orderableOptions } from '#control/engine-version/orderable.ts'
import type { RdsHandler } from '../handler.ts'
import { page, PAGE_LIMITS } from '../pages.ts'
import { checkFilters } from './filters.ts'

/** AWS: DescribeOrderableDBInstanceOptions, MaxRecords: "Minimum 20, maximum 1000". */
const LIMITS = { ...PAGE_LIMITS, max: 1000 }

export const DescribeOrderableDBInstanceOptions: RdsHandler<'DescribeOrderableDBInstanceOptions'> = (
  input,
  context,
) => {
  checkFilters(input.Filters)
  const options = orderableOptions(context.control, input)
  const { items, ...more } = page(options, { ...input, keyOf: (option) => option.key, limits: LIMITS })
  return {
    OrderableDBInstanceOptions: items.map((option) => describeOrderable(context.control, context, option)),
    ...more,
  }
}
