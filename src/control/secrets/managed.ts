/**
 * Secrets that Holdfast's own services keep for users, as RDS does with managed master passwords. Users can read them,
 * and neither change nor delete them. Does not load Secrets Manager's SDK.
 */
import { Trouble } from '#base/trouble.ts'
import { NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import type { Scope } from '../control.ts'
import { isMeant, namesMeant, newSecretArn, secretRecords, type SecretRecord, type SecretTag } from './record.ts'
import { CURRENT, versionWith } from './stages.ts'
import { openValue, removeValues, withVersion, type SecretControl } from './values.ts'

export interface ManagedSecret {
  /** `rds!db-<uuid>`. */
  readonly name: string
  readonly owner: 'rds'
  readonly value: string
  readonly tags: readonly SecretTag[]
  readonly kmsKeyId?: string
}

/** Writes that make the secret, for the caller's transaction. */
export async function createManagedSecret(
  control: SecretControl,
  scope: Scope,
  secret: ManagedSecret,
): Promise<{ readonly arn: string; readonly mutation: Mutation }> {
  const now = control.clock.now()
  const empty: SecretRecord = {
    name: secret.name,
    arn: newSecretArn(scope, secret.name, control.random),
    description: undefined,
    kmsKeyId: secret.kmsKeyId,
    owningService: secret.owner,
    tags: [...secret.tags, { Key: 'aws:secretsmanager:owningService', Value: secret.owner }],
    createdAt: now,
    changedAt: now,
    accessedAt: undefined,
    deletion: undefined,
    versions: {},
  }
  const { record, writes } = await withVersion(control, scope, {
    record: empty,
    version: { id: control.random.uuid(), value: { kind: 'string', text: secret.value } },
  })
  return { arn: record.arn, mutation: together(secretRecords(control, scope).create(record.name, record), writes) }
}

/** Writes that give the secret a new current value; the present one becomes the previous one. */
export async function putManagedSecret(
  control: SecretControl,
  scope: Scope,
  arn: string,
  value: string,
): Promise<Mutation> {
  const held = await find(control, scope, arn)
  if (!held) throw new Trouble(`managed secret ${arn} is missing`, { culprit: 'us', retryable: false })
  const version = { id: control.random.uuid(), value: { kind: 'string', text: value } as const }
  const { record, writes } = await withVersion(control, scope, { record: held.value, version })
  return together(secretRecords(control, scope).update(held, record), writes)
}

/** Writes that delete the secret at once; none if it is not there. */
export async function deleteManagedSecret(control: SecretControl, scope: Scope, arn: string): Promise<Mutation> {
  const held = await find(control, scope, arn)
  if (!held) return NOTHING
  return together(secretRecords(control, scope).remove(held), await removeValues(control, scope, held.value))
}

/** The current value of any secret, by ARN or name; undefined if there is none, or it is not a text. */
export async function readSecret(control: SecretControl, scope: Scope, secretId: string): Promise<string | undefined> {
  const held = await find(control, scope, secretId)
  const versionId = held && !held.value.deletion ? versionWith(held.value.versions, CURRENT) : undefined
  if (!held || versionId === undefined) return undefined
  const value = await openValue(control, scope, { arn: held.value.arn, versionId })
  return value?.kind === 'string' ? value.text : undefined
}

async function find(control: SecretControl, scope: Scope, secretId: string): Promise<Held<SecretRecord> | undefined> {
  for (const name of namesMeant(scope, secretId)) {
    const held = await secretRecords(control, scope).get(name)
    if (held && isMeant(held.value, secretId)) return held
  }
  return undefined
}
