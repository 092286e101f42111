import { findEvents } from '#control/event/event.ts'
import { eventQuery } from '#control/event/query.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

export const DescribeEvents: RdsHandler<'DescribeEvents'> = async (input, context) => {
  checkFilters(input.Filters)
  const events = await findEvents(context.control, context, eventQuery(input, context.control.clock.now()))
  const { items, ...more } = page(events, { ...input, keyOf: (event) => event.key })
  return {
    Events: items.map((event) => ({
      SourceIdentifier: event.sourceId,
      SourceType: event.sourceType,
      Message: event.message,
      EventCategories: [...event.categories],
      Date: new Date(event.at),
      SourceArn: event.sourceArn,
    })),
    ...more,
  }
}
