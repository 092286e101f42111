import { removeTags } from '#control/tag/tags.ts'
import type { RdsHandler } from '../handler.ts'

export const RemoveTagsFromResource: RdsHandler<'RemoveTagsFromResource'> = async (input, context) => {
  await removeTags(context.control, context, { arn: input.ResourceName, keys: input.TagKeys })
  return {}
}
