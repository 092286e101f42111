import { untagSecret } from '#control/secrets/secret.ts'
import type { SecretsManagerHandler } from '../handler.ts'

export const UntagResource: SecretsManagerHandler<'UntagResource'> = async (input, context) => {
  await untagSecret(context.control, context, { secretId: input.SecretId, keys: input.TagKeys })
  return {}
}
