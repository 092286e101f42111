import type { Held } from '#store/collection.ts'
import { parseRdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { instanceNotFound } from './faults.ts'
import { dbInstances, type DbInstanceRecord } from './record.ts'

/** The identifier in a name or an ARN, as it is stored: RDS takes both, in any case. */
export function instanceIdOf(scope: Scope, idOrArn: string): string {
  if (!idOrArn.startsWith('arn:')) return idOrArn.toLowerCase()
  const arn = parseRdsArn(idOrArn)
  if (arn?.type !== 'db' || arn.account !== scope.account || arn.region !== scope.region)
    throw instanceNotFound(idOrArn)
  return arn.id.toLowerCase()
}

/** The instance that a request names. Throws DBInstanceNotFound. */
export async function requireInstance(
  control: Pick<Control, 'store'>,
  scope: Scope,
  idOrArn: string,
): Promise<Held<DbInstanceRecord>> {
  const held = await dbInstances(control, scope).get(instanceIdOf(scope, idOrArn))
  if (!held) throw instanceNotFound(idOrArn)
  return held
}
