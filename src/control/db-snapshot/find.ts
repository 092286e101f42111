import { DBSnapshotNotFoundFault } from '@aws-sdk/client-rds'
import type { Held } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { isArn, parseRdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { dbSnapshots, type DbSnapshotRecord } from './record.ts'

const snapshotNotFound = (name: string): Error => fault(DBSnapshotNotFoundFault, `DBSnapshot ${name} not found.`)

/** A snapshot of the caller's own. Throws DBSnapshotNotFound. */
export async function requireOwnSnapshot(
  control: Pick<Control, 'store'>,
  scope: Scope,
  nameOrArn: string,
): Promise<Held<DbSnapshotRecord>> {
  const arn = isArn(nameOrArn) ? parseRdsArn(nameOrArn) : undefined
  const isForeign = arn && (arn.account !== scope.account || arn.region !== scope.region)
  if ((isArn(nameOrArn) && arn?.type !== 'snapshot') || isForeign) throw snapshotNotFound(nameOrArn)
  const held = await dbSnapshots(control, scope).get((arn?.id ?? nameOrArn).toLowerCase())
  if (!held) throw snapshotNotFound(nameOrArn)
  return held
}

/**
 * A snapshot that the caller may restore or copy: its own, by name or ARN, or by ARN one that another account shares
 * with it, in any region.
 */
export async function requireReadableSnapshot(
  control: Pick<Control, 'store'>,
  scope: Scope,
  nameOrArn: string,
): Promise<Held<DbSnapshotRecord>> {
  const arn = isArn(nameOrArn) ? parseRdsArn(nameOrArn) : undefined
  if (!arn) return requireOwnSnapshot(control, scope, nameOrArn)
  const held = arn.type === 'snapshot' ? await dbSnapshots(control, arn).get(arn.id.toLowerCase()) : undefined
  if (!held || !mayRestore(held.value, scope.account)) throw snapshotNotFound(nameOrArn)
  return held
}

export const mayRestore = (record: DbSnapshotRecord, account: string): boolean =>
  record.account === account || record.restorers.includes(account) || record.restorers.includes('all')
