/** What the operations on DB instances do where the instance is one of an Aurora cluster, which shares hardly more than their names. */
import type { CreateDBInstanceMessage, ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { createAuroraMember } from '../aurora-cluster/create-member.ts'
import { deleteAuroraMember } from '../aurora-cluster/delete-member.ts'
import { modifyAuroraMember } from '../aurora-cluster/modify-member.ts'
import { rebootAuroraMember } from '../aurora-cluster/restart-member.ts'
import { hasAurora } from '../capabilities.ts'
import type { Control, Scope } from '../control.ts'
import { createDbInstance } from '../db-instance/create.ts'
import { deleteDbInstance } from '../db-instance/delete.ts'
import { requireInstance } from '../db-instance/find.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'
import { rebootDbInstance } from '../db-instance/power.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'

interface Named {
  readonly DBInstanceIdentifier: string
}

type Verb<Input> = (control: Control, scope: Scope, input: Input) => Promise<DbInstanceRecord>

interface InstanceVerbs {
  readonly modify: Verb<ModifyDBInstanceMessage & Named>
  readonly delete: Verb<Parameters<typeof deleteDbInstance>[2]>
  readonly reboot: Verb<Parameters<typeof rebootDbInstance>[2]>
}

const alone: InstanceVerbs = { modify: modifyDbInstance, delete: deleteDbInstance, reboot: rebootDbInstance }
const ofAurora: InstanceVerbs = { modify: modifyAuroraMember, delete: deleteAuroraMember, reboot: rebootAuroraMember }

type NewInstance = CreateDBInstanceMessage & Named & { DBInstanceClass: string; Engine: string }

export const createInstance = (control: Control, scope: Scope, input: NewInstance): Promise<DbInstanceRecord> =>
  hasAurora(control) && input.Engine.startsWith('aurora')
    ? createAuroraMember(control, scope, input)
    : createDbInstance(control, scope, input)

/** An operation on an instance that is there. Throws DBInstanceNotFound. */
export async function changeInstance<V extends keyof InstanceVerbs>(
  control: Control,
  scope: Scope,
  verb: V,
  input: Parameters<InstanceVerbs[V]>[2] & Named,
): Promise<DbInstanceRecord> {
  const { aurora } = (await requireInstance(control, scope, input.DBInstanceIdentifier)).value
  const change = (aurora ? ofAurora : alone)[verb] as Verb<typeof input>
  return change(control, scope, input)
}
