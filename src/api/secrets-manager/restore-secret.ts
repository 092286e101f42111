import { restoreSecret } from '#control/secrets/secret.ts'
import type { SecretsManagerHandler } from '../handler.ts'

export const RestoreSecret: SecretsManagerHandler<'RestoreSecret'> = async (input, context) => {
  const { arn, name } = await restoreSecret(context.control, context, input.SecretId)
  return { ARN: arn, Name: name }
}
