/**
 * What the store holds of a global database: Aurora DB clusters in several regions, of which one, the primary, writes, and the
 * others' volumes are copies of its volume.
 */
import { Collection, type Held, type Mutation } from '#store/collection.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import { auroraClusters, auroraKeyOf, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import type { Loss } from './loss.ts'
import type { ClusterKey, Tag } from '../db-instance/record.ts'

/** A change of the primary that is under way. */
export interface Switch {
  readonly status: 'pending' | 'switching-over' | 'failing-over' | 'cancelling'
  readonly from: ClusterKey
  readonly to: ClusterKey
  readonly isDataLossAllowed: boolean
  /** Of a failover, from its promotion on. */
  readonly loss?: Loss
}

export interface GlobalClusterRecord {
  readonly id: string
  readonly resourceId: string
  readonly account: string
  readonly createdAt: number
  readonly engineVersion: string
  /** What the primary is to be created with, or was. */
  readonly databaseName: string | undefined
  readonly deletionProtection: boolean
  readonly primary: ClusterKey | undefined
  readonly secondaries: readonly ClusterKey[]
  readonly switch?: Switch
  readonly tags: readonly Tag[]
}

/** Global databases are of an account, and of no region. */
const scopeOf = (account: string): Scope => ({ account, region: 'global' })

export const globalClusters = (
  control: Pick<Control, 'store'>,
  { account }: Pick<Scope, 'account'>,
): Collection<GlobalClusterRecord> => new Collection(control.store, prefixOf(scopeOf(account), 'global-cluster'))

/** By what it has for life. Its name may change. */
export async function findGlobalCluster(
  control: Pick<Control, 'store'>,
  { account, resourceId }: { readonly account: string; readonly resourceId: string },
): Promise<Held<GlobalClusterRecord> | undefined> {
  return (await globalClusters(control, { account }).list()).find(({ value }) => value.resourceId === resourceId)
}

/** The global cluster that a DB cluster belongs to. */
export const globalOf = async (
  control: Pick<Control, 'store'>,
  { account, global }: AuroraClusterRecord,
): Promise<Held<GlobalClusterRecord> | undefined> =>
  global && findGlobalCluster(control, { account, resourceId: global.resourceId })

/** All of its clusters, the primary first. */
export const keysOf = ({ primary, secondaries }: GlobalClusterRecord): ClusterKey[] => [
  ...(primary ? [primary] : []),
  ...secondaries,
]

export const isSame = (a: ClusterKey | undefined, b: ClusterKey): boolean => a?.resourceId === b.resourceId

/** The write that makes the cluster a part of the global one, or changes which. */
export const joined = (
  control: Pick<Control, 'store'>,
  held: Held<AuroraClusterRecord>,
  changes: Partial<AuroraClusterRecord>,
): Mutation => auroraClusters(control, auroraKeyOf(held.value)).update(held, { ...held.value, ...changes })

/** Of the flow that changes which cluster is the primary. At most one is alive. */
export const globalSubjectOf = ({ account, resourceId }: Pick<GlobalClusterRecord, 'account' | 'resourceId'>): string =>
  `global-cluster/${account}/${resourceId}`
