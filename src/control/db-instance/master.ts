import { NOTHING } from '#store/collection.ts'
import type { Mutation } from '#store/collection.ts'
import { randomPassword } from '#trust/password.ts'
import { scramVerifier } from '#trust/scram.ts'
import type { Control, Scope } from '../control.ts'
import { createManagedSecret, putManagedSecret } from '../secrets/managed.ts'
import { invalidCombination, invalidValue } from './faults.ts'
import { requireMasterPassword } from './identifiers.ts'
import type { Master } from './record.ts'

interface Wanted {
  readonly username: string
  readonly password: string | undefined
  readonly managed: boolean | undefined
  readonly kmsKeyId: string | undefined
  /** ARN of the instance, for the secret's tags. */
  readonly instanceArn: string
}

/** The master user as it is kept: a verifier, and where RDS manages the password, a secret that holds it sealed. */
export async function newMaster(
  control: Control,
  scope: Scope,
  wanted: Wanted,
): Promise<{ master: Master; writes: Mutation }> {
  if (wanted.managed) {
    if (wanted.password !== undefined)
      throw invalidCombination('You cannot specify MasterUserPassword when ManageMasterUserPassword is true.')
    return newManagedMaster(control, scope, wanted)
  }
  if (wanted.kmsKeyId !== undefined)
    throw invalidCombination('MasterUserSecretKmsKeyId needs ManageMasterUserPassword.')
  if (wanted.password === undefined)
    throw invalidValue('The parameter MasterUserPassword must be provided and must not be blank.')
  const verifier = await verifierOf(control, requireMasterPassword(wanted.password))
  return {
    master: { username: wanted.username, verifier, secretArn: undefined, secretKmsKeyId: undefined },
    writes: NOTHING,
  }
}

async function newManagedMaster(
  control: Control,
  scope: Scope,
  wanted: Wanted,
): Promise<{ master: Master; writes: Mutation }> {
  const password = randomPassword(control.random)
  const { arn, mutation } = await createManagedSecret(control, scope, {
    name: `rds!db-${control.random.uuid()}`,
    owner: 'rds',
    value: JSON.stringify({ username: wanted.username, password }),
    tags: [{ Key: 'aws:rds:primaryDBInstanceArn', Value: wanted.instanceArn }],
    ...(wanted.kmsKeyId !== undefined && { kmsKeyId: wanted.kmsKeyId }),
  })
  const verifier = await verifierOf(control, password)
  return {
    master: { username: wanted.username, verifier, secretArn: arn, secretKmsKeyId: wanted.kmsKeyId },
    writes: mutation,
  }
}

/** A new password for a managed secret, and its verifier. */
export async function rotateManagedPassword(
  control: Control,
  scope: Scope,
  master: Master,
): Promise<{ verifier: string; writes: Mutation }> {
  const password = randomPassword(control.random)
  const writes = await putManagedSecret(
    control,
    scope,
    master.secretArn!,
    JSON.stringify({ username: master.username, password }),
  )
  return { verifier: await verifierOf(control, password), writes }
}

/** What PostgreSQL itself takes. */
const SALT_BYTES = 16

/** PostgreSQL's SCRAM verifier of a password, with a fresh salt. */
export const verifierOf = (control: Pick<Control, 'random'>, password: string): Promise<string> =>
  scramVerifier(password, { salt: control.random.bytes(SALT_BYTES) })
