import { addTags } from '#control/tag/tags.ts'
import type { RdsHandler } from '../handler.ts'

export const AddTagsToResource: RdsHandler<'AddTagsToResource'> = async (input, context) => {
  await addTags(context.control, context, { arn: input.ResourceName, tags: input.Tags })
  return {}
}
