import type { Held } from '#store/collection.ts'
import { isArn, parseRdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { notAvailable, type SnapshotKind } from './kind.ts'
import type { DbSnapshotRecord } from './record.ts'

/** A snapshot of the caller's own, by name or ARN. Throws that it is not found. */
export async function requireOwnSnapshot(
  control: Pick<Control, 'store'>,
  scope: Scope,
  { kind, name }: SnapshotName,
): Promise<Held<DbSnapshotRecord>> {
  const arn = isArn(name) ? parseRdsArn(name) : undefined
  const isForeign = arn && (arn.account !== scope.account || arn.region !== scope.region)
  if ((isArn(name) && arn?.type !== kind.type) || isForeign) throw kind.notFound(name)
  const held = await kind.collection(control, scope).get((arn?.id ?? name).toLowerCase())
  if (!held) throw kind.notFound(name)
  return held
}

/**
 * A snapshot that the caller may restore or copy: its own, by name or ARN, or by ARN one that another account shares
 * with it, in any region.
 */
export async function requireReadableSnapshot(
  control: Pick<Control, 'store'>,
  scope: Scope,
  { kind, name }: SnapshotName,
): Promise<Held<DbSnapshotRecord>> {
  const arn = isArn(name) ? parseRdsArn(name) : undefined
  if (!arn) return requireOwnSnapshot(control, scope, { kind, name })
  const held = arn.type === kind.type ? await kind.collection(control, arn).get(arn.id.toLowerCase()) : undefined
  if (!held || !mayRestore(held.value, scope.account)) throw kind.notFound(name)
  return held
}

/** The same, of one that can be restored. One of another region has to be copied first, as on RDS. */
export async function requireUsableSnapshot(
  control: Pick<Control, 'store'>,
  scope: Scope,
  named: SnapshotName,
): Promise<DbSnapshotRecord> {
  const { value } = await requireReadableSnapshot(control, scope, named)
  if (value.region !== scope.region) throw named.kind.notFound(named.name)
  if (value.status !== 'available') throw notAvailable(named.kind, value)
  return value
}

interface SnapshotName {
  readonly kind: SnapshotKind
  /** Or an ARN. */
  readonly name: string
}

export const mayRestore = (record: DbSnapshotRecord, account: string): boolean =>
  record.account === account || record.restorers.includes(account) || record.restorers.includes('all')
