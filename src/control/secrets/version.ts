/** Rules of a secret's versions: putting, reading, and moving stages. */
import { DAY_MS } from '#base/durations.ts'
import { NOTHING, together } from '#store/collection.ts'
import { commit, transact, type Scope } from '../control.ts'
import { alreadyExists, invalidParameter, invalidRequest, valueNotFound } from './faults.ts'
import { checkValue, isSameValue, type GivenValue } from './given-value.ts'
import { STAGES_PER_VERSION_MAX } from './limits.ts'
import { secretRecords, type SecretRecord } from './record.ts'
import { requireChangeable, requireSecret } from './secret.ts'
import { CURRENT, moveStage, versionWith, type Version } from './stages.ts'
import { openValue, withVersion, type SecretControl, type SecretValue } from './values.ts'

export interface SecretChange {
  readonly secretId: string
  readonly token: string | undefined
  readonly given: GivenValue
  readonly stages?: readonly string[] | undefined
  /** UpdateSecret's: members that are undefined stay as they are. */
  readonly description?: string | undefined
  readonly kmsKeyId?: string | undefined
}

/** A new version, where a value is given, and new metadata. The version's id is undefined when there is none. */
export async function changeSecret(
  control: SecretControl,
  scope: Scope,
  change: SecretChange,
): Promise<{ record: SecretRecord; versionId: string | undefined }> {
  const value = checkValue(change.given)
  const { stages } = change
  if (stages && (stages.length === 0 || stages.length > STAGES_PER_VERSION_MAX)) {
    throw invalidParameter(`A version must have from 1 to ${STAGES_PER_VERSION_MAX} staging labels.`)
  }
  const versionId = value && (change.token ?? control.random.uuid())
  return transact<{ record: SecretRecord; versionId: string | undefined }>(control, async () => {
    const held = await requireChangeable(control, scope, change.secretId)
    const described: SecretRecord = {
      ...held.value,
      description: change.description ?? held.value.description,
      kmsKeyId: change.kmsKeyId ?? held.value.kmsKeyId,
      changedAt: control.clock.now(),
    }
    const records = secretRecords(control, scope)
    if (value === undefined || versionId === undefined) {
      return { mutation: records.update(held, described), result: { record: described, versionId: undefined } }
    }
    const { arn } = held.value
    if (held.value.versions[versionId]) {
      if (await isSameValue(control, scope, { arn, versionId }, value)) {
        return { mutation: NOTHING, result: { record: held.value, versionId } }
      }
      throw alreadyExists(
        `You can't use ClientRequestToken ${versionId} because that value is already in use for a version of secret ${arn}.`,
      )
    }
    const version = { id: versionId, value, ...(stages && { stages }) }
    const { record, writes } = await withVersion(control, scope, { record: described, version })
    return { mutation: together(records.update(held, record), writes), result: { record, versionId } }
  })
}

export interface ReadVersion extends Version {
  readonly record: SecretRecord
  readonly versionId: string
  readonly value: SecretValue
}

/** The version with this id, with this stage, or the current one. */
export async function readVersion(
  control: SecretControl,
  scope: Scope,
  wanted: { readonly secretId: string; readonly versionId: string | undefined; readonly stage: string | undefined },
): Promise<ReadVersion> {
  const held = await requireSecret(control, scope, wanted.secretId)
  const { arn, versions, deletion } = held.value
  if (deletion) {
    throw invalidRequest("You can't perform this operation on the secret because it was marked for deletion.")
  }
  const stage = wanted.stage ?? CURRENT
  const versionId = wanted.versionId ?? versionWith(versions, stage)
  if (versionId === undefined) throw valueNotFound(`staging label: ${stage}`)
  const version = versions[versionId]
  const value = version && (await openValue(control, scope, { arn, versionId }))
  if (!version || !value) throw valueNotFound(`VersionId: ${versionId}`)
  if (wanted.stage !== undefined && !version.stages.includes(wanted.stage)) {
    throw invalidRequest('You provided a VersionStage that is not associated to the provided VersionId.')
  }
  const now = control.clock.now()
  const today = now - (now % DAY_MS)
  if (held.value.accessedAt !== today) {
    // Once a day, and lost when somebody else changes the secret just now: the date is a hint for people.
    await commit(control, secretRecords(control, scope).update(held, { ...held.value, accessedAt: today }))
  }
  return { ...version, record: held.value, versionId, value }
}

export interface StageMove {
  readonly secretId: string
  readonly stage: string
  readonly from: string | undefined
  readonly to: string | undefined
}

/** AWS: UpdateSecretVersionStage. */
export async function updateVersionStage(control: SecretControl, scope: Scope, move: StageMove): Promise<SecretRecord> {
  return transact(control, async () => {
    const held = await requireChangeable(control, scope, move.secretId)
    const { versions } = held.value
    checkMove(held.value, move)
    const result = { ...held.value, versions: moveStage(versions, move.stage, move.to), changedAt: control.clock.now() }
    return { mutation: secretRecords(control, scope).update(held, result), result }
  })
}

function checkMove({ versions }: SecretRecord, { stage, from, to }: StageMove): void {
  for (const id of [from, to]) if (id !== undefined && !versions[id]) throw valueNotFound(`VersionId: ${id}`)
  if (from === undefined && to === undefined) {
    throw invalidParameter('You must specify MoveToVersionId or RemoveFromVersionId.')
  }
  const present = versionWith(versions, stage)
  if (present !== from && present !== to && present !== undefined) {
    throw invalidParameter(
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${present}, so you must explicitly reference that version in RemoveFromVersionId.`,
    )
  }
  if (from !== undefined && present !== from) {
    throw invalidParameter(`The staging label ${stage} is not attached to version ${from}.`)
  }
  if (stage === CURRENT && to === undefined) {
    throw invalidParameter(
      `You can only move staging label ${CURRENT} to a different secret version. It can't be completely removed.`,
    )
  }
}
