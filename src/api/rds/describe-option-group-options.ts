import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

/** PostgreSQL, the only engine that can run here, has no options. */
export const DescribeOptionGroupOptions: RdsHandler<'DescribeOptionGroupOptions'> = (input) => {
  checkFilters(input.Filters)
  return { OptionGroupOptions: page<never>([], { ...input, keyOf: () => '' }).items }
}
