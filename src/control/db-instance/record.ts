/** What the store holds of a DB instance: intent, and the stage it is in. What the engine does now is in its agent's reports. */
import type { DbEngine } from '#catalog/engine-versions.ts'
import { Collection, type Held } from '#store/collection.ts'
import type { ReplicationLink } from '#wire/agent/replication.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import type { Pause } from './pause.ts'

export interface Tag {
  readonly Key: string
  readonly Value: string
}

/**
 * Where an instance is in its life. All but `available` are shown as they are; `available` is shown only while the agent
 * reports that the engine accepts connections (status.ts).
 */
export type Phase =
  | 'creating'
  | 'available'
  | 'backing-up'
  | 'backtracking'
  | 'modifying'
  | 'renaming'
  | 'upgrading'
  | 'maintenance'
  | 'resetting-master-credentials'
  | 'rebooting'
  | 'stopping'
  | 'stopped'
  | 'starting'
  | 'deleting'
  | 'failed'
  | 'restore-error'
  | 'incompatible-restore'
  | 'incompatible-parameters'

/** Settings that a modification can change, under AWS's names. */
export interface DbInstanceSettings {
  readonly DBInstanceClass: string
  readonly EngineVersion: string
  readonly AllocatedStorage: number
  readonly StorageType: string
  readonly Iops: number | undefined
  readonly StorageThroughput: number | undefined
  readonly MaxAllocatedStorage: number | undefined
  readonly LicenseModel: string
  readonly BackupRetentionPeriod: number
  readonly PreferredBackupWindow: string
  readonly PreferredMaintenanceWindow: string
  readonly AutoMinorVersionUpgrade: boolean
  readonly CopyTagsToSnapshot: boolean
  readonly DeletionProtection: boolean
  readonly PubliclyAccessible: boolean
  readonly DBSubnetGroupName: string
  readonly VpcSecurityGroupIds: readonly string[]
  readonly OptionGroupName: string
  readonly CACertificateIdentifier: string
  readonly NetworkType: string
  /** Real mode refuses these unless false (capabilities.ts); the simulated driver accepts them. */
  readonly MultiAZ: boolean
  readonly StorageEncrypted: boolean
  readonly KmsKeyId: string | undefined
  readonly EnableIAMDatabaseAuthentication: boolean
  /** Of the cluster of an Aurora instance, if it has one; of use for those that are serverless. */
  readonly serverlessScaling?: ServerlessScaling | undefined
}

/** A range of capacity, in ACUs. */
export interface ServerlessScaling {
  readonly minCapacity: number
  readonly maxCapacity: number
  /** How long instances are idle before they are paused; absent: they never are. */
  readonly secondsUntilAutoPause?: number
}

export interface Master {
  readonly username: string
  /** PostgreSQL's SCRAM verifier; the password itself is nowhere. */
  readonly verifier: string
  /** Set while RDS manages the password in Secrets Manager. */
  readonly secretArn: string | undefined
  readonly secretKmsKeyId: string | undefined
}

/** The endpoint's certificate. The private key is sealed under the label `tls/<resourceId>`. */
export interface EndpointCertificate {
  readonly certificatePem: string
  readonly sealedPrivateKey: string
  readonly caPem: string
  readonly validTill: number
}

/** Changes that were asked for and are not in force yet, under the names of PendingModifiedValues. */
export interface PendingChanges {
  readonly DBInstanceClass?: string
  readonly EngineVersion?: string
  readonly AllocatedStorage?: number
  readonly StorageType?: string
  readonly Iops?: number
  readonly StorageThroughput?: number
  readonly BackupRetentionPeriod?: number
  readonly Port?: number
  readonly DBInstanceIdentifier?: string
  readonly LicenseModel?: string
  readonly DBSubnetGroupName?: string
  readonly CACertificateIdentifier?: string
  readonly MultiAZ?: boolean
  readonly OptionGroupName?: string
  readonly IAMDatabaseAuthenticationEnabled?: boolean
  /** The new password's verifier. */
  readonly passwordVerifier?: string
}

/** Kinds of maintenance that there is cause for here, under AWS's names. */
export type MaintenanceAction = 'db-upgrade' | 'ca-certificate-rotation'

/** What cannot be derived of a pending maintenance action. Times in milliseconds since the epoch. */
export interface MaintenanceNote {
  /** When it was first seen to be pending. */
  readonly noticedAt: number
  /** Of an upgrade: the newest version that was told of. */
  readonly version?: string
  readonly optIn?: 'immediate' | 'next-maintenance'
  readonly optInAt?: number
  /** When it was begun last: once a window is enough for what fails. */
  readonly attemptedAt?: number
}

export type MaintenanceNotes = { readonly [Action in MaintenanceAction]?: MaintenanceNote }

/** Of a read replica: whom it follows, and what became of that. */
export interface ReplicaOf {
  readonly source: InstanceKey
  /**
   * What was said of its replication last; what it does now is in its agent's reports. `lost`: a rebuild failed after it
   * had taken away the copy that there was. `terminated`: the source is gone, and it follows nobody.
   */
  readonly state: 'joining' | 'replicating' | 'error' | 'lost' | 'terminated'
  /** When it was last begun to be made anew. */
  readonly rebuiltAt?: number
  /** Jobs that were to give it archived log: names the next one. */
  readonly catchUps?: number
  /** Of those, the last in a row that brought it no further. */
  readonly vainCatchUps?: number
  /** When it was last restarted because its source allows more than it. */
  readonly restartedAt?: number
  /** The snapshot of the source that it is made from, while it is. */
  readonly seedId?: string
  /** How it reaches a source in another region. The port is its own for as long. Absent: directly. */
  readonly link?: ReplicationLink
}

/**
 * The second copy of a Multi-AZ instance. Only one that is `in-sync` may take over: commits wait for it, and it has all
 * that was acknowledged before they did.
 *
 *     missing ──► building ──► following ──► joining ──► in-sync
 *        ▲            ▲            ▲            │           │
 *        │            └────────────┼────────────┴───────────┘  (it cannot be waited for any longer)
 *     returning ───────────────────┘
 *
 * `returning`: the old primary, which ended in order, and need not be made anew. `leaving`: nobody wants it any more.
 */
export interface Standby {
  readonly zone: string
  readonly state: 'missing' | 'returning' | 'building' | 'following' | 'joining' | 'in-sync' | 'leaving'
  /** The snapshot that it is made from, while it is. */
  readonly seedId?: string
  /** It was too far behind for commits to wait for it: when that is tried again. */
  readonly joinAt?: number
  /** Since when commits wait for one that does not answer. */
  readonly troubledAt?: number
}

/** What an instance has as a member of an Aurora DB cluster. */
export interface AuroraPart {
  /** 0–15: who takes over first. */
  readonly promotionTier: number
  /** The DB cluster parameter group whose values the engine was last started with. */
  readonly appliedClusterGroup: string
  /** Absent: it is awake, or is to be by another phase. */
  readonly pause?: Pause
}

/** Where the engines of the copies listen, by zone; a gateway has the endpoint's port, unless `isDirect`. */
export interface CopyPorts {
  readonly byZone: Readonly<Record<string, number>>
  /** The primary's engine has the endpoint's port itself, as it had before there were copies, until it ends. */
  readonly isDirect: boolean
}

export interface DbInstanceRecord {
  readonly id: string
  readonly resourceId: string
  readonly account: string
  readonly region: string
  /** Letter of the availability zone whose host runs it. */
  readonly zone: string
  readonly createdAt: number
  readonly engine: DbEngine
  readonly phase: Phase
  /** Why the phase is what it is, where a person needs to know. */
  readonly complaint: string | undefined
  readonly settings: DbInstanceSettings
  readonly pending: PendingChanges
  readonly master: Master
  readonly databaseName: string | undefined
  readonly port: number
  /** The endpoint is shown from the first time that it worked. */
  readonly endpointKnown: boolean
  readonly certificate: EndpointCertificate | undefined
  /** The group that is associated, and the one whose values the engine was last started with. */
  readonly parameterGroup: string
  readonly appliedParameterGroup: string
  /** The engine was last started with the values as they were then; later ones that wait for a reboot are not in it. */
  readonly parametersAsOf: number
  readonly parameterStatus: 'in-sync' | 'applying' | 'pending-reboot'
  /** The security groups by whose rules clients are let in, while they are not yet the ones that are wanted. */
  readonly enforcedSecurityGroups?: readonly string[] | undefined
  readonly stoppedAt: number | undefined
  readonly maintenance?: MaintenanceNotes
  /** Grows with every change of who is primary and whom commits wait for: agents refuse orders from before. */
  readonly generation?: number
  /** Absent: it takes writes. */
  readonly replica?: ReplicaOf
  readonly standby?: Standby
  /** The DB cluster that it is a member of: who of the members is what is in the cluster's record. */
  readonly cluster?: ClusterKey
  readonly aurora?: AuroraPart
  readonly copyPorts?: CopyPorts
  /** When a standby last took over. */
  readonly failedOverAt?: number
  readonly tags: readonly Tag[]
}

export const dbInstances = (control: Pick<Control, 'store'>, scope: Scope): Collection<DbInstanceRecord> =>
  new Collection(control.store, prefixOf(scope, 'db-instance'))

/** `<account>/<region>/<resourceId>` → the instance's present name, so that what outlives a rename can find it. */
export interface ResourceName {
  readonly id: string
}

export const dbInstanceNames = (control: Pick<Control, 'store'>): Collection<ResourceName> =>
  new Collection(control.store, 'db-instance-name/')

/** Identifies an instance in flow inputs: stays the same when it is renamed. */
export interface InstanceKey extends Scope {
  readonly resourceId: string
}

/** Identifies a DB cluster, which keeps its name for life. */
export interface ClusterKey extends Scope {
  readonly id: string
  readonly resourceId: string
}

export const keyOf = (record: DbInstanceRecord): InstanceKey => ({
  account: record.account,
  region: record.region,
  resourceId: record.resourceId,
})

const nameKey = (key: InstanceKey): string => `${key.account}/${key.region}/${key.resourceId}`

/** The subject of flows that change the instance. At most one is alive. */
export const subjectOf = (key: InstanceKey): string => `db-instance/${nameKey(key)}`

/** The subject of the flow that brings changed parameter values to the instance; it may wait beside another flow. */
export const parametersSubjectOf = (key: InstanceKey): string => `db-instance-parameters/${nameKey(key)}`

/** The subject of the flow that waits for the time to do something with the instance. */
export const timerSubjectOf = (
  key: InstanceKey,
  purpose: 'auto-start' | 'backup' | 'maintenance' | 'standby' | 'replica' | 'storage',
): string => timersOf(key) + purpose

/** What the subjects of all timers of the instance start with. */
export const timersOf = (key: InstanceKey): string => `db-instance-timer/${nameKey(key)}/`

export const nameIndexOf = (record: DbInstanceRecord): string => nameKey(keyOf(record))

/** The instance with this resource id, whatever its name is by now. */
export async function findByKey(
  control: Pick<Control, 'store'>,
  key: InstanceKey,
): Promise<Held<DbInstanceRecord> | undefined> {
  const name = await dbInstanceNames(control).get(nameKey(key))
  if (!name) return undefined
  const held = await dbInstances(control, key).get(name.value.id)
  return held?.value.resourceId === key.resourceId ? held : undefined
}
