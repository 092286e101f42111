/** The master password of what is there already: a new one, one that RDS manages from now on, or no longer. */
import type { ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { NOTHING, type Mutation } from '#store/collection.ts'
import type { Control, Scope } from '../control.ts'
import { deleteManagedSecret } from '../secrets/managed.ts'
import { invalidCombination } from './faults.ts'
import { requireMasterPassword } from './identifiers.ts'
import { newMaster, rotateManagedPassword, verifierOf } from './master.ts'
import type { Master } from './record.ts'

/** As of ModifyDBInstance and ModifyDBCluster. */
type AskedPassword = Pick<
  ModifyDBInstanceMessage,
  | 'MasterUserPassword'
  | 'ManageMasterUserPassword'
  | 'RotateMasterUserPassword'
  | 'MasterUserSecretKmsKeyId'
  | 'ApplyImmediately'
>

/** What a request makes of the master user's password. */
export interface Credentials {
  readonly verifier: string | undefined
  /** Set when the master's secret comes or goes. */
  readonly master: Master | undefined
  readonly writes: Mutation
}

const UNCHANGED: Credentials = { verifier: undefined, master: undefined, writes: NOTHING }

/** `arn` is of the instance or the cluster, for the tags of a secret. */
export async function newCredentials(
  control: Control,
  scope: Scope,
  { master, arn }: { readonly master: Master; readonly arn: string },
  input: AskedPassword,
): Promise<Credentials> {
  const isManaged = master.secretArn !== undefined
  if (input.RotateMasterUserPassword) {
    if (!isManaged) throw invalidCombination('RotateMasterUserPassword needs a master password that RDS manages.')
    if (input.ApplyImmediately !== true)
      throw invalidCombination('You must specify ApplyImmediately when you rotate the master user password.')
    const { verifier, writes } = await rotateManagedPassword(control, scope, master)
    return { verifier, master: undefined, writes }
  }
  if (input.ManageMasterUserPassword === true && !isManaged) {
    const { master: managed, writes } = await newMaster(control, scope, {
      username: master.username,
      password: input.MasterUserPassword,
      managed: true,
      kmsKeyId: input.MasterUserSecretKmsKeyId,
      instanceArn: arn,
    })
    return { verifier: managed.verifier, master: { ...managed, verifier: master.verifier }, writes }
  }
  if (input.ManageMasterUserPassword === false && isManaged) {
    if (input.MasterUserPassword === undefined)
      throw invalidCombination('You must specify MasterUserPassword when ManageMasterUserPassword becomes false.')
    const verifier = await verifierOf(control, requireMasterPassword(input.MasterUserPassword))
    const writes = await deleteManagedSecret(control, scope, master.secretArn)
    return { verifier, master: { ...master, secretArn: undefined, secretKmsKeyId: undefined }, writes }
  }
  if (input.MasterUserPassword === undefined) return UNCHANGED
  if (isManaged)
    throw invalidCombination('You cannot specify MasterUserPassword while RDS manages the master user password.')
  return { ...UNCHANGED, verifier: await verifierOf(control, requireMasterPassword(input.MasterUserPassword)) }
}
