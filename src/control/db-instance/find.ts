import type { Held } from '#store/collection.ts'
import { parseRdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { instanceNotFound } from './faults.ts'
import { dbInstanceNames, dbInstances, findByKey, type DbInstanceRecord } from './record.ts'

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

/** Every instance of every account and region, each as it is when its turn comes. */
export async function* everyInstance(control: Pick<Control, 'store'>): AsyncGenerator<Held<DbInstanceRecord>> {
  const names = dbInstanceNames(control)
  for (const { key } of await names.list()) {
    const [account, region, resourceId] = key.slice(names.prefix.length).split('/')
    const held = await findByKey(control, { account: account!, region: region!, resourceId: resourceId! })
    if (held) yield held
  }
}

/** The instance with this resource id, in whichever account and region. */
export async function findByResourceId(
  control: Pick<Control, 'store'>,
  resourceId: string,
): Promise<DbInstanceRecord | undefined> {
  const names = dbInstanceNames(control)
  for (const { key } of await names.list()) {
    const [account, region, id] = key.slice(names.prefix.length).split('/')
    if (id === resourceId) return (await findByKey(control, { account: account!, region: region!, resourceId }))?.value
  }
  return undefined
}
