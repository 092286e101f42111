import { changeSecret } from '#control/secrets/version.ts'
import type { SecretsManagerHandler } from '../handler.ts'

export const UpdateSecret: SecretsManagerHandler<'UpdateSecret'> = async (input, context) => {
  const { record, versionId } = await changeSecret(context.control, context, {
    secretId: input.SecretId,
    token: input.ClientRequestToken,
    given: input,
    description: input.Description,
    kmsKeyId: input.KmsKeyId,
  })
  return { ARN: record.arn, Name: record.name, ...(versionId !== undefined && { VersionId: versionId }) }
}
