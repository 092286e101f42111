import { requireSecret } from '#control/secrets/secret.ts'
import type { SecretsManagerHandler } from '../handler.ts'
import { pageOf } from './pages.ts'

export const ListSecretVersionIds: SecretsManagerHandler<'ListSecretVersionIds'> = async (input, context) => {
  const { value } = await requireSecret(context.control, context, input.SecretId)
  const versions = Object.entries(value.versions)
    .map(([id, version]) => ({ id, ...version }))
    .filter(({ stages }) => input.IncludeDeprecated || stages.length > 0)
  const { items, ...next } = pageOf(versions, input, { keyOf: ({ id }) => id, descending: false })
  return {
    ARN: value.arn,
    Name: value.name,
    Versions: items.map(({ id, stages, createdAt }) => ({
      VersionId: id,
      VersionStages: [...stages],
      CreatedDate: new Date(createdAt),
      KmsKeyIds: [value.kmsKeyId ?? 'DefaultEncryptionKey'],
    })),
    ...next,
  }
}
