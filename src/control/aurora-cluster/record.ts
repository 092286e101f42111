/**
 * What the store holds of an Aurora DB cluster: a volume, and instances that all work on it. Who writes the volume is in
 * the volume's row (volume/record.ts); here is what users asked for, and the stage it is in.
 */
import { Collection, type Held } from '#store/collection.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import type {
  ClusterKey,
  DbInstanceRecord,
  DbInstanceSettings,
  EndpointCertificate,
  Master,
  Tag,
} from '../db-instance/record.ts'
import type { CustomEndpoint } from './custom-endpoint.ts'
import type { PastStrand } from './strands.ts'

/** All but `available` are shown as they are; `available` is also a cluster without instances (status.ts). */
export type AuroraPhase =
  | 'creating'
  | 'available'
  | 'failing-over'
  | 'modifying'
  | 'backtracking'
  | 'promoting'
  | 'stopping'
  | 'stopped'
  | 'starting'
  | 'deleting'
  | 'failed'
  | 'cloning-failed'

/** Settings that hold for the cluster and all of its instances. Instances have them too, with the same values. */
export type AuroraSettings = Pick<
  DbInstanceSettings,
  | 'EngineVersion'
  | 'BackupRetentionPeriod'
  | 'PreferredBackupWindow'
  | 'DBSubnetGroupName'
  | 'VpcSecurityGroupIds'
  | 'NetworkType'
  | 'StorageEncrypted'
  | 'KmsKeyId'
  | 'EnableIAMDatabaseAuthentication'
  | 'serverlessScaling'
>

/** Settings of the cluster that its instances have of their own, or not at all. */
export type AuroraClusterSettings = Pick<
  DbInstanceSettings,
  'PreferredMaintenanceWindow' | 'CopyTagsToSnapshot' | 'DeletionProtection'
>

/** An instance of the cluster. What is asked of it, and what stage it is in, is in its own record. */
export interface AuroraMember {
  readonly id: string
  readonly resourceId: string
  readonly zone: string
}

export interface GlobalPart {
  /** Of the global cluster, which has it for life. */
  readonly resourceId: string
  /** Its volume is a copy of the primary cluster's: all of its instances read. */
  readonly isSecondary: boolean
}

export interface AuroraClusterRecord {
  readonly id: string
  readonly resourceId: string
  readonly account: string
  readonly region: string
  readonly createdAt: number
  readonly engine: 'aurora-postgresql'
  readonly phase: AuroraPhase
  /** Why the phase is what it is, where a person needs to know. */
  readonly complaint: string | undefined
  readonly shared: AuroraSettings
  readonly settings: AuroraClusterSettings
  readonly master: Master
  /** Of the password that the master user is getting. The volume has the one or the other until it is `master`'s. */
  readonly pendingVerifier?: string
  readonly databaseName: string | undefined
  /** The associated DB cluster parameter group. Which one an instance was started with is in its record. */
  readonly parameterGroup: string
  readonly port: number
  readonly readerPort: number
  /** Of every endpoint: a client may come to any instance. The key is sealed for the cluster. */
  readonly certificate: EndpointCertificate | undefined
  /** In the order in which they came. */
  readonly members: readonly AuroraMember[]
  /** Resource id of the writer: of the first member, until another one takes over. */
  readonly writer: string | undefined
  /** The writer has served since it became the writer: it should do so now. */
  readonly isOpen: boolean
  /** The writer is paused, or about to be, or not back yet: no reason to call the cluster anything but available. */
  readonly isAsleep?: boolean
  readonly endpoints: readonly CustomEndpoint[]
  /** The global database that it belongs to. */
  readonly global?: GlobalPart
  /** What all clusters have in common of which one is a clone of another, or was of one that is gone. */
  readonly cloneGroup?: string
  /** Resource id of the cluster that it is a copy-on-write clone of. */
  readonly clonedFrom?: string
  /** How far back it is to be possible to go, in seconds; absent: not at all. */
  readonly backtrackWindow?: number
  /** Those that backtracks left and that can still be gone to, in order of time. */
  readonly pastStrands?: readonly PastStrand[]
  readonly stoppedAt: number | undefined
  readonly tags: readonly Tag[]
}

/** Beside the Multi-AZ DB clusters, which are another kind of thing; no two of either kind have one name. */
export const auroraClusters = (control: Pick<Control, 'store'>, scope: Scope): Collection<AuroraClusterRecord> =>
  new Collection(control.store, prefixOf(scope, 'aurora-cluster'))

/** Whether this key of the store is an Aurora cluster's, of whichever account and region. */
export const isAuroraKey = (key: string): boolean => /^rds\/[^/]+\/[^/]+\/aurora-cluster\//.test(key)

export const auroraKeyOf = ({ account, region, id, resourceId }: AuroraClusterRecord): ClusterKey => ({
  account,
  region,
  id,
  resourceId,
})

/** The cluster with this key; not another that has its name by now. */
export async function findAuroraCluster(
  control: Pick<Control, 'store'>,
  key: ClusterKey,
): Promise<Held<AuroraClusterRecord> | undefined> {
  const held = await auroraClusters(control, key).get(key.id)
  return held?.value.resourceId === key.resourceId ? held : undefined
}

const nameOf = ({ account, region, resourceId }: ClusterKey): string => `${account}/${region}/${resourceId}`

/** The subject of flows that change who the writer is, or that change the cluster as a whole. At most one is alive. */
export const auroraSubjectOf = (key: ClusterKey): string => `aurora-cluster/${nameOf(key)}`

/** What the subjects of the flows start with that go on beside those: of all clusters, and of one. */
export const AURORA_TIMERS = 'aurora-cluster-timer/'
export const auroraTimersOf = (key: ClusterKey): string => `${AURORA_TIMERS}${nameOf(key)}/`

export const auroraRoutesSubjectOf = (key: ClusterKey): string => `${auroraTimersOf(key)}routes`

export const auroraEndpointSubjectOf = (key: ClusterKey, resourceId: string): string =>
  `${auroraTimersOf(key)}endpoint/${resourceId}`

export const auroraKeeperSubjectOf = (key: ClusterKey): string => `${auroraTimersOf(key)}keeper`

export const volumeMembersSubjectOf = (key: ClusterKey): string => `${auroraTimersOf(key)}members`

/** Not among the others: what is seen of an instance is nothing to it. */
export const auroraImagesSubjectOf = (key: ClusterKey): string => `aurora-images/${nameOf(key)}`

export const auroraRelaySubjectOf = (key: ClusterKey): string => `${auroraTimersOf(key)}relay`

/** Of the flow that sees to automated backups. */
export const auroraBackupSubjectOf = (key: ClusterKey): string => `${auroraTimersOf(key)}backup`

/** Of the flow that has the volume's log archived. */
export const auroraArchiveSubjectOf = (key: ClusterKey): string => `${auroraTimersOf(key)}archive`

export const auroraPasswordSubjectOf = (key: ClusterKey): string => `${auroraTimersOf(key)}password`

export const isSecondary = ({ global }: Pick<AuroraClusterRecord, 'global'>): boolean => global?.isSecondary === true

export const isWriter = (cluster: AuroraClusterRecord, { resourceId }: Pick<AuroraMember, 'resourceId'>): boolean =>
  cluster.writer === resourceId

/** The records of the members, by resource id. */
export type AuroraMemberRecords = ReadonlyMap<string, Held<DbInstanceRecord>>
