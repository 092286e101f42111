import { updateVersionStage } from '#control/secrets/version.ts'
import type { SecretsManagerHandler } from '../handler.ts'

export const UpdateSecretVersionStage: SecretsManagerHandler<'UpdateSecretVersionStage'> = async (input, context) => {
  const { arn, name } = await updateVersionStage(context.control, context, {
    secretId: input.SecretId,
    stage: input.VersionStage,
    from: input.RemoveFromVersionId,
    to: input.MoveToVersionId,
  })
  return { ARN: arn, Name: name }
}
