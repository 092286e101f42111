/** What can be ordered: every class with every version and storage type that it goes with. */
import type { DescribeOrderableDBInstanceOptionsMessage, OrderableDBInstanceOption } from '@aws-sdk/client-rds'
import type { EngineVersion } from '#catalog/engine-versions.ts'
import { instanceClasses, supportsMajor } from '#catalog/instance-classes.ts'
import { GP3_THROUGHPUT_PER_IOPS_MAX, storageTypes } from '#catalog/storage.ts'
import type { Control, Scope } from '../control.ts'
import { versionKey } from './describe.ts'

/** One option before it is described: there are tens of thousands, of which a page shows a hundred. */
export interface Orderable {
  readonly key: string
  readonly version: EngineVersion
  readonly className: string
  readonly storageType: string
}

export function orderableOptions(control: Control, asked: DescribeOrderableDBInstanceOptionsMessage): Orderable[] {
  if (asked.LicenseModel !== undefined && asked.LicenseModel !== 'postgresql-license') return []
  if (asked.Vpc === false) return []
  const classes = instanceClasses.filter(
    ({ name }) => asked.DBInstanceClass === undefined || asked.DBInstanceClass === name,
  )
  const types = Object.keys(storageTypes)
  return control.versions
    .filter(({ engine }) => engine === asked.Engine)
    .filter(({ version, major }) => asked.EngineVersion === undefined || [version, major].includes(asked.EngineVersion))
    .flatMap((version) =>
      classes
        .filter((candidate) => supportsMajor(candidate, version.major))
        .flatMap(({ name }) =>
          types.map((storageType) => ({
            key: `${versionKey(version)}/${name}/${storageType}`,
            version,
            className: name,
            storageType,
          })),
        ),
    )
}

export function describeOrderable(control: Control, scope: Scope, option: Orderable): OrderableDBInstanceOption {
  const { sizeGiB, iops, iopsPerGiB, throughputMiBps } = storageTypes[option.storageType]!
  return {
    Engine: option.version.engine,
    EngineVersion: option.version.version,
    DBInstanceClass: option.className,
    LicenseModel: 'postgresql-license',
    AvailabilityZoneGroup: scope.region,
    AvailabilityZones: control.hosts.zones.map((zone) => ({ Name: scope.region + zone })),
    StorageType: option.storageType,
    MinStorageSize: sizeGiB.from,
    MaxStorageSize: sizeGiB.to,
    ...(iops && { MinIopsPerDbInstance: iops.from, MaxIopsPerDbInstance: iops.to }),
    ...(iopsPerGiB && { MinIopsPerGib: iopsPerGiB.from, MaxIopsPerGib: iopsPerGiB.to }),
    ...(throughputMiBps && {
      MinStorageThroughputPerDbInstance: throughputMiBps.from,
      MaxStorageThroughputPerDbInstance: throughputMiBps.to,
      MinStorageThroughputPerIops: 0,
      MaxStorageThroughputPerIops: GP3_THROUGHPUT_PER_IOPS_MAX,
    }),
    SupportsIops: iops !== undefined,
    SupportsStorageThroughput: throughputMiBps !== undefined,
    SupportsStorageAutoscaling: option.storageType !== 'standard',
    Vpc: true,
    ...capabilities(control),
  }
}

/** The simulated driver echoes what the real one refuses (capabilities.ts). */
function capabilities({ simulated }: Control): Partial<OrderableDBInstanceOption> {
  return {
    MultiAZCapable: simulated,
    SupportsStorageEncryption: simulated,
    SupportsIAMDatabaseAuthentication: simulated,
    SupportsPerformanceInsights: simulated,
    SupportsEnhancedMonitoring: simulated,
    ReadReplicaCapable: false,
    AvailableProcessorFeatures: [],
    SupportedEngineModes: ['provisioned'],
    SupportsKerberosAuthentication: false,
    OutpostCapable: false,
    SupportedActivityStreamModes: [],
    SupportsGlobalDatabases: false,
    SupportedNetworkTypes: ['IPV4'],
    SupportsClusters: false,
    SupportsDedicatedLogVolume: false,
    SupportsHttpEndpoint: false,
  }
}
