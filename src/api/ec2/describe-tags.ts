import { listTags, type TagDescription } from '#control/network/tags.ts'
import type { Ec2Handler } from '../handler.ts'
import { tagFields, type FilterFields } from './filters.ts'
import { list } from './listing.ts'

const fields: FilterFields<TagDescription> = {
  ...tagFields((tag) => [tag]),
  key: (tag) => [tag.Key],
  'resource-id': (tag) => [tag.resourceId],
  'resource-type': (tag) => [tag.resourceType],
  value: (tag) => [tag.Value],
}

export const DescribeTags: Ec2Handler<'DescribeTags'> = async (input, context) => {
  const { items, ...next } = list(await listTags(context.control, context), input, {
    idOf: (tag) => `${tag.resourceId} ${tag.Key}`,
    fields,
  })
  return {
    Tags: items.map(({ Key, Value, resourceId, resourceType }) => ({
      Key,
      Value,
      ResourceId: resourceId,
      ResourceType: resourceType,
    })),
    ...next,
  }
}
