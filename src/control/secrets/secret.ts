/** Rules of secrets: finding, creating, updating, deleting, restoring and tagging them. */
import { DAY_MS } from '#base/durations.ts'
import { NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import { commit, transact, type Scope } from '../control.ts'
import { alreadyExists, invalidParameter, invalidRequest, secretNotFound } from './faults.ts'
import { RECOVERY_DAYS_MAX, RECOVERY_DAYS_MIN, TAGS_MAX } from './limits.ts'
import { isMeant, namesMeant, newSecretArn, secretRecords, type SecretRecord, type SecretTag } from './record.ts'
import { removeValues, withVersion, type SecretControl } from './values.ts'
import { checkValue, isSameValue, type GivenValue } from './given-value.ts'

/** AWS: CreateSecret, Name. */
const NAME = /^[A-Za-z0-9/_+=.@-]{1,512}$/

/** The secret that a name or an ARN means. Throws ResourceNotFoundException. */
export async function requireSecret(
  control: SecretControl,
  scope: Scope,
  secretId: string,
): Promise<Held<SecretRecord>> {
  for (const name of namesMeant(scope, secretId)) {
    const held = await livingSecret(control, scope, name)
    if (held && isMeant(held.value, secretId)) return held
  }
  throw secretNotFound()
}

/** The same, to be changed by a user. Throws InvalidRequestException for one that a service keeps or that is deleted. */
export async function requireChangeable(
  control: SecretControl,
  scope: Scope,
  secretId: string,
): Promise<Held<SecretRecord>> {
  const held = await requireSecret(control, scope, secretId)
  refuseManaged(held.value)
  if (held.value.deletion) {
    throw invalidRequest("You can't perform this operation on the secret because it was marked for deletion.")
  }
  return held
}

export async function listSecrets(control: SecretControl, scope: Scope): Promise<SecretRecord[]> {
  const all = await secretRecords(control, scope).list()
  const living = await Promise.all(all.map(({ value }) => livingSecret(control, scope, value.name)))
  return living.flatMap((held) => (held ? [held.value] : []))
}

export interface NewSecret {
  readonly name: string
  readonly description: string | undefined
  readonly kmsKeyId: string | undefined
  readonly tags: readonly SecretTag[]
  /** Becomes the id of the first version, and makes a repeated request harmless. */
  readonly token: string | undefined
  readonly given: GivenValue
}

export async function createSecret(control: SecretControl, scope: Scope, wanted: NewSecret): Promise<SecretRecord> {
  if (!NAME.test(wanted.name)) {
    throw invalidParameter(
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
    )
  }
  const value = checkValue(wanted.given)
  const tags = checkTags([], wanted.tags)
  const id = wanted.token ?? control.random.uuid()
  return transact(control, async () => {
    const before = await livingSecret(control, scope, wanted.name)
    if (before?.value.deletion) {
      throw invalidRequest(
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      )
    }
    if (before) {
      const { arn } = before.value
      if (value && (await isSameValue(control, scope, { arn, versionId: id }, value))) {
        return { mutation: NOTHING, result: before.value }
      }
      throw alreadyExists(`The operation failed because the secret ${wanted.name} already exists.`)
    }
    const empty = newRecord(control, scope, { ...wanted, tags })
    const { record, writes } = value
      ? await withVersion(control, scope, { record: empty, version: { id, value } })
      : { record: empty, writes: NOTHING }
    return { mutation: together(secretRecords(control, scope).create(record.name, record), writes), result: record }
  })
}

/** `days` undefined: at once, without a way back. */
export async function deleteSecret(
  control: SecretControl,
  scope: Scope,
  { secretId, days }: { readonly secretId: string; readonly days: number | undefined },
): Promise<SecretRecord> {
  if (days !== undefined && (days < RECOVERY_DAYS_MIN || days > RECOVERY_DAYS_MAX)) {
    throw invalidParameter(
      `The RecoveryWindowInDays value must be between ${RECOVERY_DAYS_MIN} and ${RECOVERY_DAYS_MAX} days (inclusive).`,
    )
  }
  return transact(control, async () => {
    const held = await requireSecret(control, scope, secretId)
    refuseManaged(held.value)
    const now = control.clock.now()
    if (days === undefined) {
      const result = { ...held.value, deletion: { deletedAt: now, goneAt: now } }
      return { mutation: await purge(control, scope, held), result }
    }
    if (held.value.deletion) {
      throw invalidRequest(
        "You can't perform this operation on the secret because it was already scheduled for deletion.",
      )
    }
    const result = { ...held.value, deletion: { deletedAt: now, goneAt: now + days * DAY_MS } }
    return { mutation: secretRecords(control, scope).update(held, result), result }
  })
}

export async function restoreSecret(control: SecretControl, scope: Scope, secretId: string): Promise<SecretRecord> {
  return changeSecret(control, scope, secretId, (record) => {
    refuseManaged(record)
    return { ...record, deletion: undefined }
  })
}

export async function tagSecret(
  control: SecretControl,
  scope: Scope,
  { secretId, tags }: { readonly secretId: string; readonly tags: readonly SecretTag[] },
): Promise<void> {
  await changeSecret(control, scope, secretId, (record) => ({ ...record, tags: checkTags(record.tags, tags) }))
}

/** Keys that are not there are passed over. */
export async function untagSecret(
  control: SecretControl,
  scope: Scope,
  { secretId, keys }: { readonly secretId: string; readonly keys: readonly string[] },
): Promise<void> {
  refuseReserved(keys)
  await changeSecret(control, scope, secretId, (record) => ({
    ...record,
    tags: record.tags.filter((tag) => !keys.includes(tag.Key)),
  }))
}

async function changeSecret(
  control: SecretControl,
  scope: Scope,
  secretId: string,
  change: (record: SecretRecord) => SecretRecord,
): Promise<SecretRecord> {
  return transact(control, async () => {
    const held = await requireSecret(control, scope, secretId)
    const result = change(held.value)
    return { mutation: secretRecords(control, scope).update(held, result), result }
  })
}

/** Nothing watches the end of a recovery window: a secret that is past it is gone when somebody looks. */
async function livingSecret(
  control: SecretControl,
  scope: Scope,
  name: string,
): Promise<Held<SecretRecord> | undefined> {
  const held = await secretRecords(control, scope).get(name)
  if (!held?.value.deletion || held.value.deletion.goneAt > control.clock.now()) return held
  await commit(control, await purge(control, scope, held))
  return undefined
}

async function purge(control: SecretControl, scope: Scope, held: Held<SecretRecord>): Promise<Mutation> {
  return together(secretRecords(control, scope).remove(held), await removeValues(control, scope, held.value))
}

function newRecord(control: SecretControl, scope: Scope, wanted: NewSecret): SecretRecord {
  const now = control.clock.now()
  return {
    name: wanted.name,
    arn: newSecretArn(scope, wanted.name, control.random),
    description: wanted.description,
    kmsKeyId: wanted.kmsKeyId,
    owningService: undefined,
    tags: wanted.tags,
    createdAt: now,
    changedAt: now,
    accessedAt: undefined,
    deletion: undefined,
    versions: {},
  }
}

function refuseManaged({ owningService, arn }: SecretRecord): void {
  if (owningService === undefined) return
  throw invalidRequest(`You can't change the secret ${arn} yourself: it is managed by ${owningService}.`)
}

function refuseReserved(keys: readonly string[]): void {
  if (keys.some((key) => /^aws:/i.test(key))) {
    throw invalidParameter('Tag keys that start with aws: are reserved for AWS use.')
  }
}

function checkTags(present: readonly SecretTag[], added: readonly SecretTag[]): readonly SecretTag[] {
  refuseReserved(added.map((tag) => tag.Key))
  if (new Set(added.map((tag) => tag.Key)).size < added.length) throw invalidParameter('Tag keys must be unique.')
  if (added.some((tag) => tag.Key === '' || tag.Key.length > 128 || tag.Value.length > 256)) {
    throw invalidParameter('A tag key must have 1 to 128 characters, a tag value at most 256.')
  }
  const all = [...present.filter((tag) => !added.some(({ Key }) => Key === tag.Key)), ...added]
  if (all.length > TAGS_MAX) throw invalidParameter(`A secret can have at most ${TAGS_MAX} tags.`)
  return all
}
