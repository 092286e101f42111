/** Values of secrets as requests give them. */
import type { Scope } from '../control.ts'
import { invalidParameter } from './faults.ts'
import { VALUE_BYTES_MAX } from './limits.ts'
import { openValue, type SecretControl, type SecretValue } from './values.ts'

/** One of the two, or none. */
export interface GivenValue {
  readonly SecretString?: string | undefined
  readonly SecretBinary?: Uint8Array | undefined
}

/** Throws InvalidParameterException for two values at once, and for one that is too large. */
export function checkValue({ SecretString, SecretBinary }: GivenValue): SecretValue | undefined {
  if (SecretString !== undefined && SecretBinary !== undefined) {
    throw invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
  }
  const bytes = SecretBinary?.length ?? Buffer.byteLength(SecretString ?? '')
  if (bytes > VALUE_BYTES_MAX) throw invalidParameter(`A secret value can have at most ${VALUE_BYTES_MAX} bytes.`)
  if (SecretString !== undefined) return { kind: 'string', text: SecretString }
  return SecretBinary && { kind: 'binary', bytes: SecretBinary }
}

/** Whether that version exists and has this value: the request that made it has come again. */
export async function isSameValue(
  control: SecretControl,
  scope: Scope,
  version: { readonly arn: string; readonly versionId: string },
  value: SecretValue,
): Promise<boolean> {
  const present = await openValue(control, scope, version)
  if (present?.kind === 'string') return value.kind === 'string' && value.text === present.text
  return present !== undefined && value.kind === 'binary' && Buffer.compare(value.bytes, present.bytes) === 0
}
