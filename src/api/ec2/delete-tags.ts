import { deleteTags } from '#control/network/tags.ts'
import type { Ec2Handler } from '../handler.ts'

export const DeleteTags: Ec2Handler<'DeleteTags'> = async (input, context) => {
  await deleteTags(context.control, context, { ids: input.Resources, tags: input.Tags ?? [] })
  return {}
}
