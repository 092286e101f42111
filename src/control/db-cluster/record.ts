/** What the store holds of a Multi-AZ DB cluster: intent, the stage it is in, and who of its members is what. */
import { Collection, type Held } from '#store/collection.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import type {
  ClusterKey,
  DbInstanceRecord,
  DbInstanceSettings,
  EndpointCertificate,
  MaintenanceNotes,
  Master,
  PendingChanges,
  Tag,
} from '../db-instance/record.ts'

/** All but `available` are shown as they are; `available` only while the writer can be reached (status.ts). */
export type ClusterPhase =
  | 'creating'
  | 'available'
  | 'rebooting'
  | 'modifying'
  | 'upgrading'
  | 'failing-over'
  | 'stopping'
  | 'stopped'
  | 'starting'
  | 'deleting'
  | 'failed'

/**
 * One of the three DB instances of a cluster. Of a reader, how it comes to follow the writer:
 *
 *     missing ──► building ──► following
 *        ▲            │            │
 *        ├────────────┴────────────┘  (it does not stream, and nobody waits for it)
 *     returning ──► following
 *
 * `returning`: the writer of before, which ended in order, and need not be made anew. The writer itself is `following`.
 */
export interface Member {
  /** Each member is in another zone, which names it within the cluster. */
  readonly zone: string
  readonly id: string
  readonly resourceId: string
  readonly state: 'missing' | 'returning' | 'building' | 'following'
  /** The copy of the writer that it is made from, or that is left of an attempt. */
  readonly seedId?: string
  /** Since when it should stream and does not. */
  readonly troubledAt?: number
  /** It could not be made, or was waited for in vain: it is tried again then. */
  readonly restsUntil?: number
}

/** What is to be changed of every member, under the members' names. */
export type ClusterChanges = Pick<
  PendingChanges,
  | 'DBInstanceClass'
  | 'EngineVersion'
  | 'CACertificateIdentifier'
  | 'AllocatedStorage'
  | 'StorageType'
  | 'Iops'
  | 'StorageThroughput'
>

export interface DbClusterRecord {
  readonly id: string
  readonly resourceId: string
  readonly account: string
  readonly region: string
  readonly createdAt: number
  readonly engine: 'postgres'
  readonly phase: ClusterPhase
  /** Why the phase is what it is, where a person needs to know. */
  readonly complaint: string | undefined
  /** Of every member. */
  readonly settings: DbInstanceSettings
  /** Changes that are being made, or wait for the maintenance window. */
  readonly pending?: ClusterChanges
  readonly maintenance?: MaintenanceNotes
  /** Of every member once all of them have it. The key is sealed for the cluster. */
  readonly nextCertificate?: EndpointCertificate
  readonly master: Master
  /** Of the password that the master user is getting. The engine has the one or the other until it is `master`'s. */
  readonly pendingVerifier?: string
  readonly databaseName: string | undefined
  /** Of its members. Absent: the default one of its version. */
  readonly parameterGroup?: string
  readonly port: number
  readonly readerPort: number
  /** The endpoints are shown from the first time that they worked. */
  readonly endpointKnown: boolean
  readonly members: readonly Member[]
  /** Zones, as are all of these. */
  readonly writer: string
  /** A commit is acknowledged once one of these readers has it. */
  readonly awaited: readonly string[]
  /**
   * Everything that was acknowledged is on the one of these that has the longest log; none: nobody may take over.
   * While commits wait for anybody, `awaited` is in it, unless it is empty. See keep-db-cluster.ts.
   */
  readonly electorate: readonly string[]
  /** Readers receive nothing: the next writer is being chosen, and its log is to stay what it is. */
  readonly isSealed: boolean
  /** Who was chosen, until it is the writer. */
  readonly candidate?: string
  /** Grows with every change of who is what: agents refuse orders from before. */
  readonly generation: number
  /** The generation that the writer has last been told of. */
  readonly told: number
  /** Where the reader endpoint leads to. */
  readonly readers: readonly string[]
  readonly stoppedAt: number | undefined
  readonly tags: readonly Tag[]
}

export const dbClusters = (control: Pick<Control, 'store'>, scope: Scope): Collection<DbClusterRecord> =>
  new Collection(control.store, prefixOf(scope, 'db-cluster'))

export const clusterKeyOf = ({ account, region, id, resourceId }: DbClusterRecord): ClusterKey => ({
  account,
  region,
  id,
  resourceId,
})

/** The cluster with this key; not another that has its name by now. */
export async function findCluster(
  control: Pick<Control, 'store'>,
  key: ClusterKey,
): Promise<Held<DbClusterRecord> | undefined> {
  const held = await dbClusters(control, key).get(key.id)
  return held?.value.resourceId === key.resourceId ? held : undefined
}

const nameOf = ({ account, region, resourceId }: ClusterKey): string => `${account}/${region}/${resourceId}`

/** The subject of flows that change the cluster. At most one is alive. */
export const clusterSubjectOf = (key: ClusterKey): string => `db-cluster/${nameOf(key)}`

/** What the subjects of the flows start with that live as long as the cluster. */
export const clusterTimersOf = (key: ClusterKey): string => `db-cluster-timer/${nameOf(key)}/`

/** Of the flow that sets the master user's password. It stands in nobody's way: a writer may fail meanwhile. */
export const passwordSubjectOf = (key: ClusterKey): string => `${clusterTimersOf(key)}password`

/** Of the flow that waits for the maintenance window. */
export const windowSubjectOf = (key: ClusterKey): string => `${clusterTimersOf(key)}maintenance`

/** Of the flow that sees to automated backups. */
export const backupSubjectOf = (key: ClusterKey): string => `${clusterTimersOf(key)}backup`

export const keeperSubjectOf = (key: ClusterKey): string => `${clusterTimersOf(key)}keeper`

export const memberIn = (cluster: DbClusterRecord, zone: string): Member => {
  const found = cluster.members.find((member) => member.zone === zone)
  if (!found) throw new TypeError(`no member in zone ${zone}`)
  return found
}

/** The members that are not the writer. */
export const readersOf = ({ members, writer }: DbClusterRecord): Member[] =>
  members.filter(({ zone }) => zone !== writer)

export const zonesEqual = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((zone) => other.includes(zone))

/** The record with these changes of who is what: orders from before are void. */
export const regrouped = (
  cluster: DbClusterRecord,
  changes: Partial<Pick<DbClusterRecord, 'members' | 'writer' | 'awaited' | 'electorate' | 'isSealed'>>,
): DbClusterRecord => ({ ...cluster, ...changes, generation: cluster.generation + 1 })

/** The members with one of them changed. What is not said of its seed and its troubles is over. */
export const withMember = (
  { members }: Pick<DbClusterRecord, 'members'>,
  { zone, id, resourceId }: Member,
  changed: Pick<Member, 'state' | 'seedId' | 'troubledAt' | 'restsUntil'>,
): Member[] => members.map((member) => (member.zone === zone ? { zone, id, resourceId, ...changed } : member))

export type MemberRecords = ReadonlyMap<string, Held<DbInstanceRecord>>
