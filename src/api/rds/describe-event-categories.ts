import { eventCategories } from '#catalog/events.ts'
import { requireSourceType } from '#control/event/query.ts'
import type { RdsHandler } from '../handler.ts'
import { checkFilters } from './filters.ts'

export const DescribeEventCategories: RdsHandler<'DescribeEventCategories'> = (input) => {
  checkFilters(input.Filters)
  const wanted = input.SourceType === undefined ? undefined : requireSourceType(input.SourceType)
  return {
    EventCategoriesMapList: eventCategories()
      .filter(({ sourceType }) => wanted === undefined || sourceType === wanted)
      .map(({ sourceType, categories }) => ({ SourceType: sourceType, EventCategories: categories })),
  }
}
