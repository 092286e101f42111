/** Secrets as the store holds them: the secret with its versions' stages in one record, each value in its own. */
import type { Random } from '#host/random.ts'
import { Collection } from '#store/collection.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import type { Versions } from './stages.ts'

export interface SecretTag {
  readonly Key: string
  readonly Value: string
}

export interface SecretRecord {
  readonly name: string
  readonly arn: string
  readonly description: string | undefined
  readonly kmsKeyId: string | undefined
  /** The service that made it and alone may change it. */
  readonly owningService: string | undefined
  readonly tags: readonly SecretTag[]
  readonly createdAt: number
  readonly changedAt: number
  /** The day on which it was read last: its midnight, UTC. */
  readonly accessedAt: number | undefined
  /** When it was deleted, and when it will be gone: it can be restored in between. */
  readonly deletion: { readonly deletedAt: number; readonly goneAt: number } | undefined
  readonly versions: Versions
}

/** Sealed under the label {@link sealLabel}: a value cannot be moved to another secret or version. */
export interface SealedValue {
  readonly kind: 'string' | 'binary'
  readonly sealed: string
}

type Stored = Pick<Control, 'store'>

export const secretRecords = (control: Stored, scope: Scope): Collection<SecretRecord> =>
  new Collection(control.store, prefixOf(scope, 'secret', 'secretsmanager'))

export const secretValues = (control: Stored, scope: Scope): Collection<SealedValue> =>
  new Collection(control.store, prefixOf(scope, 'value', 'secretsmanager'))

/** By name and the ARN's last characters: a new secret of the same name shares nothing with the old one. */
export const valueId = (arn: string, versionId: string): string => `${suffixOf(arn)}/${versionId}`

export const sealLabel = (arn: string, versionId: string): string => `${arn}/${versionId}`

const SUFFIX_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const SUFFIX_LENGTH = 6

/** The six characters at the end tell a secret from an earlier one of the same name. */
export function newSecretArn(scope: Scope, name: string, random: Random): string {
  const characters = Array.from(
    random.bytes(SUFFIX_LENGTH),
    (byte) => SUFFIX_CHARACTERS[byte % SUFFIX_CHARACTERS.length],
  )
  return `${arnStart(scope)}${name}-${characters.join('')}`
}

/** The name that an id means, which may be a name, an ARN, or an ARN without its last characters. */
export function namesMeant(scope: Scope, secretId: string): readonly string[] {
  if (!secretId.startsWith('arn:')) return [secretId]
  if (!secretId.startsWith(arnStart(scope))) return []
  const rest = secretId.slice(arnStart(scope).length)
  // `db-backup` may be the name, or `db` with `backup` after it.
  return /-[A-Za-z0-9]{6}$/.test(rest) ? [rest.slice(0, -SUFFIX_LENGTH - 1), rest] : [rest]
}

/** Whether a record with one of those names is the one that the id means. */
export function isMeant(record: SecretRecord, secretId: string): boolean {
  return record.name === secretId || record.arn === secretId || record.arn.slice(0, -SUFFIX_LENGTH - 1) === secretId
}

function suffixOf(arn: string): string {
  return arn.slice(arn.indexOf(':secret:') + ':secret:'.length)
}

function arnStart({ region, account }: Scope): string {
  return `arn:aws:secretsmanager:${region}:${account}:secret:`
}
