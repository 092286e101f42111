import { describeOrderable, orderableOptions } from '#control/engine-version/orderable.ts'
import type { RdsHandler } from '../handler.ts'
import { page, PAGE_LIMITS, readMarker } from '../pages.ts'
import { checkFilters } from './filters.ts'

/** AWS: DescribeOrderableDBInstanceOptions, MaxRecords: "Minimum 20, maximum 1000". */
const LIMITS = { ...PAGE_LIMITS, max: 1000 }

export const DescribeOrderableDBInstanceOptions: RdsHandler<'DescribeOrderableDBInstanceOptions'> = (
  input,
  context,
) => {
  checkFilters(input.Filters)
  const after = input.Marker ? readMarker(input.Marker) : ''
  // One more than a page holds tells whether there is another page.
  const count = Math.min(Math.max(input.MaxRecords ?? LIMITS.default, 0), LIMITS.max) + 1
  const options = [...orderableOptions(context.control, input, after).take(count)]
  const { items, ...more } = page(options, { ...input, keyOf: (option) => option.key, limits: LIMITS })
  return {
    OrderableDBInstanceOptions: items.map((option) => describeOrderable(context.control, context, option)),
    ...more,
  }
}
