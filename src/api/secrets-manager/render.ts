/** Secrets as Secrets Manager shows them: never with their value. */
import type { SecretListEntry, Tag } from '@aws-sdk/client-secrets-manager'
import type { SecretRecord, SecretTag } from '#control/secrets/record.ts'

export function showSecret(secret: SecretRecord): SecretListEntry {
  return {
    ARN: secret.arn,
    Name: secret.name,
    ...(secret.description !== undefined && { Description: secret.description }),
    ...(secret.kmsKeyId !== undefined && { KmsKeyId: secret.kmsKeyId }),
    ...(secret.owningService !== undefined && { OwningService: secret.owningService }),
    CreatedDate: new Date(secret.createdAt),
    LastChangedDate: new Date(secret.changedAt),
    ...(secret.accessedAt !== undefined && { LastAccessedDate: new Date(secret.accessedAt) }),
    ...(secret.deletion && { DeletedDate: new Date(secret.deletion.deletedAt) }),
    Tags: [...secret.tags],
  }
}

/** Versions without a stage are left out. */
export function stagesById({ versions }: SecretRecord): Record<string, string[]> {
  const staged = Object.entries(versions).filter(([, { stages }]) => stages.length > 0)
  return Object.fromEntries(staged.map(([id, { stages }]) => [id, [...stages]]))
}

export function tagsOf(given: readonly Tag[] | undefined): SecretTag[] {
  return (given ?? []).map(({ Key = '', Value = '' }) => ({ Key, Value }))
}
