import { readVersion } from '#control/secrets/version.ts'
import type { SecretsManagerHandler } from '../handler.ts'

export const GetSecretValue: SecretsManagerHandler<'GetSecretValue'> = async (input, context) => {
  const { record, versionId, stages, createdAt, value } = await readVersion(context.control, context, {
    secretId: input.SecretId,
    versionId: input.VersionId,
    stage: input.VersionStage,
  })
  return {
    ARN: record.arn,
    Name: record.name,
    VersionId: versionId,
    VersionStages: [...stages],
    CreatedDate: new Date(createdAt),
    ...(value.kind === 'string' ? { SecretString: value.text } : { SecretBinary: value.bytes }),
  }
}
