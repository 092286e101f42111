import { tagSecret } from '#control/secrets/secret.ts'
import type { SecretsManagerHandler } from '../handler.ts'
import { tagsOf } from './render.ts'

export const TagResource: SecretsManagerHandler<'TagResource'> = async (input, context) => {
  await tagSecret(context.control, context, { secretId: input.SecretId, tags: tagsOf(input.Tags) })
  return {}
}
