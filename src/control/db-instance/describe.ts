/** DescribeDBInstances: intent and fact of an instance, in RDS's shape. */
import type {
  DBInstance,
  DBSubnetGroup,
  Filter,
  PendingModifiedValues,
  VpcSecurityGroupMembership,
} from '@aws-sdk/client-rds'
import { performanceOf } from '#catalog/storage.ts'
import { DAY_MS } from '#base/durations.ts'
import { rdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { replicationsOf } from '../automated-backup/replica.ts'
import { restoreWindow } from '../automated-backup/window.ts'
import { clusterIdOf } from '../db-cluster/find.ts'
import { isRedundant } from '../multi-az/copies.ts'
import { replicationShown, replicationStatus } from '../read-replica/describe.ts'
import type { ObservedInstance } from '#wire/agent/messages.ts'
import { REMEDY } from '../storage/watch.ts'
import { describeSubnetGroup } from '../subnet-group/subnet-groups.ts'
import { invalidValue } from './faults.ts'
import { instanceIdOf, requireInstance } from './find.ts'
import { dbInstances, keyOf, type DbInstanceRecord, type DbInstanceSettings, type PendingChanges } from './record.ts'
import { majorOf } from './spec.ts'
import { statusOf } from './status.ts'

/** A stopped instance starts by itself after this long. Source: RDS User Guide, "Stopping an Amazon RDS DB instance". */
export const AUTO_START_MS = 7 * DAY_MS

export async function listInstances(
  control: Control,
  scope: Scope,
  asked: { DBInstanceIdentifier?: string | undefined; Filters?: Filter[] | undefined },
): Promise<DbInstanceRecord[]> {
  const matches = filterOf(scope, asked.Filters ?? [])
  const records =
    asked.DBInstanceIdentifier === undefined
      ? (await dbInstances(control, scope).list()).map((held) => held.value)
      : [(await requireInstance(control, scope, asked.DBInstanceIdentifier)).value]
  return records.filter(matches)
}

/** Filters are joined by and, the values of one by or. */
function filterOf(scope: Scope, filters: readonly Filter[]): (record: DbInstanceRecord) => boolean {
  const tests = filters.map(({ Name, Values = [] }) => {
    if (Values.length === 0) throw invalidValue(`Filter ${Name} must have at least one value.`)
    switch (Name) {
      case 'db-instance-id': {
        const ids = new Set(Values.map((value) => idOrNothing(scope, value, instanceIdOf)))
        return (record: DbInstanceRecord) => ids.has(record.id)
      }
      case 'dbi-resource-id': {
        const ids = new Set(Values.map((value) => value.toLowerCase()))
        return (record: DbInstanceRecord) => ids.has(record.resourceId.toLowerCase())
      }
      case 'engine':
        return (record: DbInstanceRecord) => Values.includes(record.engine)
      case 'db-cluster-id': {
        const ids = new Set(Values.map((value) => idOrNothing(scope, value, clusterIdOf)))
        return (record: DbInstanceRecord) => record.cluster !== undefined && ids.has(record.cluster.id)
      }
      // No instance is in a directory domain.
      case 'domain':
        return () => false
      default:
        throw invalidValue(`Unrecognized filter name: ${Name}`)
    }
  })
  return (record) => tests.every((test) => test(record))
}

/** A filter's ARN of another account or region matches nothing; it is no error. */
export function idOrNothing(scope: Scope, idOrArn: string, idOf: typeof instanceIdOf): string | undefined {
  try {
    return idOf(scope, idOrArn)
  } catch {
    return undefined
  }
}

export const describeInstance = (control: Control, record: DbInstanceRecord): Promise<DBInstance> =>
  describeWith(control, record, subnetGroupsOf(control))

/** Instances of one scope. What they share is read once. */
export function describeInstances(control: Control, records: readonly DbInstanceRecord[]): Promise<DBInstance[]> {
  const subnetGroup = subnetGroupsOf(control)
  return Promise.all(records.map((record) => describeWith(control, record, subnetGroup)))
}

type SubnetGroupOf = (scope: Scope, name: string) => Promise<DBSubnetGroup>

function subnetGroupsOf(control: Control): SubnetGroupOf {
  const known = new Map<string, Promise<DBSubnetGroup>>()
  return (scope, name) => {
    const found = known.get(name) ?? describeSubnetGroup(control, scope, name)
    known.set(name, found)
    return found
  }
}

async function describeWith(
  control: Control,
  record: DbInstanceRecord,
  subnetGroupOf: SubnetGroupOf,
): Promise<DBInstance> {
  const { settings } = record
  const status = statusOf(control, record)
  return {
    DBInstanceIdentifier: record.id,
    DBInstanceArn: rdsArn(record, 'db', record.id),
    DbiResourceId: record.resourceId,
    DBInstanceStatus: status,
    Engine: record.engine,
    MasterUsername: record.master.username,
    DBName: record.databaseName,
    InstanceCreateTime: record.endpointKnown ? new Date(record.createdAt) : undefined,
    DbInstancePort: 0,
    ...(record.endpointKnown && {
      Endpoint: { Address: control.advertised.hostname, Port: record.port, HostedZoneId: HOSTED_ZONE_ID },
    }),
    ...settingsShown(settings),
    ...redundancyShown(control, record),
    AvailabilityZone: record.region + record.zone,
    DBSubnetGroup: await subnetGroupOf(record, settings.DBSubnetGroupName),
    DBSecurityGroups: [],
    VpcSecurityGroups: securityGroupsShown(record),
    DBParameterGroups: [
      { DBParameterGroupName: groupShown(record), ParameterApplyStatus: parameterStatus(control, record) },
    ],
    OptionGroupMemberships: [{ OptionGroupName: settings.OptionGroupName, Status: 'in-sync' }],
    ...ABSENT,
    ...(record.certificate && {
      CertificateDetails: {
        CAIdentifier: settings.CACertificateIdentifier,
        ValidTill: new Date(record.certificate.validTill),
      },
    }),
    ...(await backupsShown(control, record)),
    ...(record.cluster ? { DBClusterIdentifier: record.cluster.id } : masterSecretOf(record)),
    ...(record.aurora && { PromotionTier: record.aurora.promotionTier }),
    ...(record.stoppedAt !== undefined && { AutomaticRestartTime: new Date(record.stoppedAt + AUTO_START_MS) }),
    PendingModifiedValues: pendingValues(record.pending),
    StatusInfos: [...statusInfos(control, record, status), ...replicationStatus(control, record)],
    ...(await replicationShown(control, record)),
    ReadReplicaDBClusterIdentifiers: [],
    DomainMemberships: [],
    AssociatedRoles: [],
    TagList: [...record.tags],
  }
}

async function backupsShown(
  control: Control,
  record: DbInstanceRecord,
): Promise<Pick<DBInstance, 'LatestRestorableTime' | 'DBInstanceAutomatedBackupsReplications'>> {
  // What can be restored of a volume is its cluster's.
  if (record.settings.BackupRetentionPeriod === 0 || record.aurora) return {}
  const window = await restoreWindow(control, keyOf(record), record)
  const replications = await replicationsOf(control, keyOf(record))
  return {
    ...(window && { LatestRestorableTime: new Date(window.to) }),
    ...(replications.length > 0 && { DBInstanceAutomatedBackupsReplications: replications }),
  }
}

/** The settings that RDS shows under the names by which they are asked for, and the performance that follows from them. */
function settingsShown(settings: DbInstanceSettings): DBInstance {
  const { DBSubnetGroupName, VpcSecurityGroupIds, OptionGroupName, EnableIAMDatabaseAuthentication, ...same } = settings
  return {
    ...same,
    StorageThroughput: 0,
    ...performanceOf(settings),
    IAMDatabaseAuthenticationEnabled: EnableIAMDatabaseAuthentication,
  }
}

/** A group is active once clients are let in by its rules, and is shown until they no longer are. */
function securityGroupsShown({ settings, enforcedSecurityGroups }: DbInstanceRecord): VpcSecurityGroupMembership[] {
  const wanted = settings.VpcSecurityGroupIds
  const enforced = enforcedSecurityGroups ?? wanted
  return [
    ...wanted.map((id) => ({ VpcSecurityGroupId: id, Status: enforced.includes(id) ? 'active' : 'adding' })),
    ...enforced.filter((id) => !wanted.includes(id)).map((id) => ({ VpcSecurityGroupId: id, Status: 'removing' })),
  ]
}

/** A second copy is shown while there is one that could take over now. */
function redundancyShown(control: Pick<Control, 'hosts'>, record: DbInstanceRecord): Partial<DBInstance> {
  const { standby } = record
  if (!standby) return { MultiAZ: false }
  return { MultiAZ: isRedundant(control, record), SecondaryAvailabilityZone: record.region + standby.zone }
}

/** What every instance here is without. */
const ABSENT = {
  BackupTarget: 'region',
  EngineLifecycleSupport: 'open-source-rds-extended-support-disabled',
  CustomerOwnedIpEnabled: false,
  DedicatedLogVolume: false,
  MonitoringInterval: 0,
  DatabaseInsightsMode: 'standard',
  PerformanceInsightsEnabled: false,
  ActivityStreamStatus: 'stopped',
} as const satisfies DBInstance

/** Endpoints are not in any Route 53 zone; the SDKs want a value of the right shape. */
export const HOSTED_ZONE_ID = 'Z2R2ITUGPM61AM'

/** Why the instance is not as it should be: what a flow left to say, else what keeps its engine from coming up. */
function statusInfos(
  control: Pick<Control, 'hosts'>,
  record: DbInstanceRecord,
  status: string,
): NonNullable<DBInstance['StatusInfos']> {
  const cameUp = status === 'available' && record.phase === 'failed'
  const observed = status === 'available' ? undefined : control.hosts.observed(record.zone, record.resourceId)
  const Message = cameUp
    ? undefined
    : (record.complaint ?? observed?.lastError?.message ?? fullMessage(status, observed))
  return Message === undefined ? [] : [{ StatusType: 'instance', Normal: false, Status: status, Message }]
}

function fullMessage(status: string, observed: ObservedInstance | undefined): string | undefined {
  return status === 'storage-full' && observed?.storage ? REMEDY[observed.storage.limit] : undefined
}

/** A member of a Multi-AZ DB cluster has the default group of its version, and the values of its cluster's. */
const groupShown = ({ aurora, cluster, parameterGroup, settings }: DbInstanceRecord): string =>
  cluster && !aurora ? `default.postgres${majorOf(settings.EngineVersion)}` : parameterGroup

/** Whether the engine has the values of the group that is associated. */
export function parameterStatus(control: Pick<Control, 'hosts'>, record: DbInstanceRecord): string {
  if (record.parameterGroup !== record.appliedParameterGroup) return 'pending-reboot'
  if (record.parameterStatus === 'in-sync' && record.phase === 'available') {
    const observed = control.hosts.observed(record.zone, record.resourceId)
    if (observed?.pendingRestart.length) return 'pending-reboot'
  }
  return record.parameterStatus
}

/** Of an instance or a cluster. */
export function masterSecretOf({
  master,
  phase,
  region,
  account,
}: Pick<DbInstanceRecord, 'master' | 'region' | 'account'> & { readonly phase: string }): Pick<
  DBInstance,
  'MasterUserSecret'
> {
  if (master.secretArn === undefined) return {}
  return {
    MasterUserSecret: {
      SecretArn: master.secretArn,
      SecretStatus:
        phase === 'creating' ? 'creating' : phase === 'resetting-master-credentials' ? 'rotating' : 'active',
      KmsKeyId: master.secretKmsKeyId ?? `arn:aws:kms:${region}:${account}:alias/aws/secretsmanager`,
    },
  }
}

/** Pending changes as AWS shows them: a password only as stars. */
function pendingValues(pending: PendingChanges): PendingModifiedValues {
  const { passwordVerifier, OptionGroupName: _notShown, ...shown } = pending
  return { ...shown, ...(passwordVerifier !== undefined && { MasterUserPassword: '****' }) }
}
