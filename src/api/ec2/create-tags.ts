import { createTags } from '#control/network/tags.ts'
import type { Ec2Handler } from '../handler.ts'

export const CreateTags: Ec2Handler<'CreateTags'> = async (input, context) => {
  await createTags(context.control, context, { ids: input.Resources, tags: input.Tags })
  return {}
}
