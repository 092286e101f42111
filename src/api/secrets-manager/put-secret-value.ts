import { invalidRequest } from '#control/secrets/faults.ts'
import { changeSecret } from '#control/secrets/version.ts'
import type { SecretsManagerHandler } from '../handler.ts'

export const PutSecretValue: SecretsManagerHandler<'PutSecretValue'> = async (input, context) => {
  if (input.SecretString === undefined && input.SecretBinary === undefined) {
    throw invalidRequest('You must provide either SecretString or SecretBinary.')
  }
  const { record, versionId } = await changeSecret(context.control, context, {
    secretId: input.SecretId,
    token: input.ClientRequestToken,
    given: input,
    stages: input.VersionStages,
  })
  return {
    ARN: record.arn,
    Name: record.name,
    VersionId: versionId!,
    VersionStages: [...record.versions[versionId!]!.stages],
  }
}
