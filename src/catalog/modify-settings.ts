/**
 * When a change by ModifyDBInstance takes effect, by member. AWS: RDS User Guide, "Settings for DB instances".
 */
export type EffectTime =
  /** At once, whatever ApplyImmediately says. */
  | 'always at once'
  /** As soon as it can be done, whatever ApplyImmediately says. */
  | 'always soon'
  /** In the maintenance window, unless ApplyImmediately is true. */
  | 'in the window'

const members: Readonly<Record<EffectTime, string>> = {
  'always at once':
    'AutoMinorVersionUpgrade CloudwatchLogsExportConfiguration CopyTagsToSnapshot DBParameterGroupName DBPortNumber ' +
    'DeletionProtection EnablePerformanceInsights ManageMasterUserPassword MasterUserSecretKmsKeyId MaxAllocatedStorage ' +
    'MonitoringInterval MonitoringRoleArn PerformanceInsightsKMSKeyId PerformanceInsightsRetentionPeriod ' +
    'PreferredMaintenanceWindow PubliclyAccessible RotateMasterUserPassword',
  'always soon': 'MasterUserPassword PreferredBackupWindow VpcSecurityGroupIds',
  'in the window':
    'AllocatedStorage BackupRetentionPeriod CACertificateIdentifier DBInstanceClass DBSubnetGroupName Domain ' +
    'DomainIAMRoleName EnableIAMDatabaseAuthentication Engine EngineVersion Iops LicenseModel MultiAZ NetworkType ' +
    'NewDBInstanceIdentifier OptionGroupName ProcessorFeatures StorageThroughput StorageType UseDefaultProcessorFeatures',
}

export const modifySettings: ReadonlyMap<string, EffectTime> = new Map(
  (Object.entries(members) as [EffectTime, string][]).flatMap(([time, names]) =>
    names.split(' ').map((name) => [name, time] as const),
  ),
)
