import { listTags } from '#control/tag/tags.ts'
import type { RdsHandler } from '../handler.ts'
import { checkFilters } from './filters.ts'

export const ListTagsForResource: RdsHandler<'ListTagsForResource'> = async (input, context) => {
  checkFilters(input.Filters)
  return { TagList: [...(await listTags(context.control, context, input.ResourceName))] }
}
