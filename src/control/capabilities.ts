/**
 * What can be true here. A request for something else is refused, not stored: an answer of the API is a fact about a
 * process. The simulated driver has no processes, so nothing that it echoes can be wrong.
 */
import { invalidCombination } from './db-instance/faults.ts'
import type { Control } from './control.ts'

interface Asked {
  readonly StorageEncrypted?: boolean | undefined
  readonly KmsKeyId?: string | undefined
  readonly EnableIAMDatabaseAuthentication?: boolean | undefined
  readonly EnablePerformanceInsights?: boolean | undefined
  readonly MonitoringInterval?: number | undefined
  readonly EnableCloudwatchLogsExports?: readonly string[] | undefined
  readonly Domain?: string | undefined
  readonly DBClusterIdentifier?: string | undefined
  readonly NetworkType?: string | undefined
  readonly BackupTarget?: string | undefined
  readonly DedicatedLogVolume?: boolean | undefined
  readonly EnableCustomerOwnedIp?: boolean | undefined
  readonly TdeCredentialArn?: string | undefined
  readonly CustomIamInstanceProfile?: string | undefined
  readonly MultiTenant?: boolean | undefined
  readonly DatabaseInsightsMode?: string | undefined
  readonly MasterUserAuthenticationType?: string | undefined
  readonly AdditionalStorageVolumes?: readonly unknown[] | undefined
  readonly DBCapacityReservationIdentifier?: string | undefined
}

/** Refused for PostgreSQL on RDS too, or by design, in every mode. */
const NEVER: readonly (readonly [keyof Asked, string])[] = [
  ['TdeCredentialArn', 'TDE is not supported for engine postgres.'],
  ['CustomIamInstanceProfile', 'CustomIamInstanceProfile is valid only for RDS Custom.'],
  ['MultiTenant', 'MultiTenant is not supported for engine postgres.'],
  ['AdditionalStorageVolumes', 'Additional storage volumes are not supported for engine postgres.'],
  ['EnableCustomerOwnedIp', 'Customer-owned IP addresses need an AWS Outpost.'],
  ['Domain', 'Directory domains are not available in Holdfast.'],
  ['DBCapacityReservationIdentifier', 'Capacity reservations are not available in Holdfast.'],
]

/** Needs something real that this version does not have. */
const NOT_YET: readonly (readonly [keyof Asked, string])[] = [
  ['StorageEncrypted', 'Encryption at rest is not available yet: create the instance with StorageEncrypted=false.'],
  ['KmsKeyId', 'Encryption at rest is not available yet: leave KmsKeyId out.'],
  ['EnableIAMDatabaseAuthentication', 'IAM database authentication is not available yet.'],
  ['EnablePerformanceInsights', 'Performance Insights is not available yet.'],
  ['MonitoringInterval', 'Enhanced Monitoring is not available yet: use MonitoringInterval=0.'],
  ['EnableCloudwatchLogsExports', 'Export of logs to CloudWatch Logs is not available yet.'],
  ['DedicatedLogVolume', 'Dedicated log volumes are not available.'],
]

const isAsked = (value: unknown): boolean =>
  value !== undefined && value !== false && value !== 0 && value !== '' && !(Array.isArray(value) && value.length === 0)

/** Aurora DB clusters: with real engines only where somebody asked for what there is of them so far. */
export const hasAurora = ({ simulated, auroraPreview }: Pick<Control, 'simulated' | 'auroraPreview'>): boolean =>
  simulated || auroraPreview

/** Throws InvalidParameterCombination for the first thing asked for that cannot be had. */
export function refuseUnavailable(control: Pick<Control, 'simulated'>, asked: Asked): void {
  if (asked.NetworkType !== undefined && asked.NetworkType !== 'IPV4')
    throw invalidCombination('Only NetworkType IPV4 is available.')
  if (asked.BackupTarget !== undefined && asked.BackupTarget !== 'region')
    throw invalidCombination('Only BackupTarget region is available.')
  if (asked.DatabaseInsightsMode === 'advanced')
    throw invalidCombination('Only DatabaseInsightsMode standard is available.')
  if (asked.MasterUserAuthenticationType !== undefined && asked.MasterUserAuthenticationType !== 'password')
    throw invalidCombination('Only MasterUserAuthenticationType password is available.')
  if (asked.DBClusterIdentifier !== undefined)
    throw invalidCombination('The requested DB instance with engine postgres cannot be part of a DB cluster.')
  for (const [member, message] of control.simulated ? NEVER : [...NEVER, ...NOT_YET])
    if (isAsked(asked[member])) throw invalidCombination(message)
}
