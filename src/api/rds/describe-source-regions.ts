import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

/** Nothing is copied or replicated between regions, so no region is a source for another. */
export const DescribeSourceRegions: RdsHandler<'DescribeSourceRegions'> = (input) => {
  checkFilters(input.Filters)
  return { SourceRegions: page<never>([], { ...input, keyOf: () => '' }).items }
}
