/** Values of secrets: sealed into the store, and opened again. */
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import type { Control, Scope } from '../control.ts'
import { VERSIONS_MAX } from './limits.ts'
import { sealLabel, secretValues, valueId, type SecretRecord } from './record.ts'
import { addVersion, CURRENT, surplus } from './stages.ts'

export type SecretControl = Pick<Control, 'store' | 'vault' | 'clock' | 'random'>

export type SecretValue =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array }

export interface NewVersion {
  readonly id: string
  readonly value: SecretValue
  readonly stages?: readonly string[]
}

/** The record with one more version, and the writes of its value; the caller writes the record. */
export async function withVersion(
  control: SecretControl,
  scope: Scope,
  { record, version }: { readonly record: SecretRecord; readonly version: NewVersion },
): Promise<{ record: SecretRecord; writes: Mutation }> {
  const { id, value, stages = [CURRENT] } = version
  const now = control.clock.now()
  const values = secretValues(control, scope)
  const clear = value.kind === 'string' ? value.text : Buffer.from(value.bytes).toString('base64')
  const sealed = control.vault.seal(clear, sealLabel(record.arn, id))
  const all = addVersion(record.versions, { id, createdAt: now, stages })
  const dropped = surplus(all, VERSIONS_MAX)
  const versions = Object.fromEntries(Object.entries(all).filter(([other]) => !dropped.includes(other)))
  const writes = together(
    values.create(valueId(record.arn, id), { kind: value.kind, sealed }),
    ...(await Promise.all(dropped.map((other) => removal(control, scope, record.arn, other)))),
  )
  return { record: { ...record, versions, changedAt: now }, writes }
}

/** Undefined when there is no such version. */
export async function openValue(
  control: SecretControl,
  scope: Scope,
  { arn, versionId }: { readonly arn: string; readonly versionId: string },
): Promise<SecretValue | undefined> {
  const held = await secretValues(control, scope).get(valueId(arn, versionId))
  if (!held) return undefined
  const clear = control.vault.open(held.value.sealed, sealLabel(arn, versionId))
  return held.value.kind === 'string'
    ? { kind: 'string', text: clear }
    : { kind: 'binary', bytes: Buffer.from(clear, 'base64') }
}

/** Writes that remove every value of a secret; the caller removes the record. */
export async function removeValues(
  control: SecretControl,
  scope: Scope,
  { arn, versions }: SecretRecord,
): Promise<Mutation> {
  return together(...(await Promise.all(Object.keys(versions).map((id) => removal(control, scope, arn, id)))))
}

async function removal(
  control: SecretControl,
  scope: Scope,
  ...[arn, versionId]: [arn: string, versionId: string]
): Promise<Mutation> {
  const values = secretValues(control, scope)
  const held = await values.get(valueId(arn, versionId))
  return held ? values.remove(held) : NOTHING
}
