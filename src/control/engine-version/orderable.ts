/** What can be ordered: every class with every version and storage type that it goes with. */
import type { DescribeOrderableDBInstanceOptionsMessage, OrderableDBInstanceOption } from '@aws-sdk/client-rds'
import type { DbEngine, EngineVersion } from '#catalog/engine-versions.ts'
import { instanceClasses, supportsAurora, supportsMajor, type InstanceClass } from '#catalog/instance-classes.ts'
import { SERVERLESS_CLASS } from '#catalog/serverless.ts'
import { GP3_THROUGHPUT_PER_IOPS_MAX, storageTypes } from '#catalog/storage.ts'
import { AURORA_STORAGE } from '../aurora-cluster/settings.ts'
import type { Control, Scope } from '../control.ts'
import { versionKey } from './describe.ts'
import { everyVersion } from './versions-of.ts'

/** One option before it is described. There are tens of thousands, of which a page shows a hundred. */
export interface Orderable {
  readonly key: string
  readonly version: EngineVersion
  readonly className: string
  readonly storageType: string
}

type Offered = Pick<InstanceClass, 'name' | 'majorMax'>

/** Classes and storage types by engine. */
const OFFERS: Readonly<Record<DbEngine, { readonly classes: readonly Offered[]; readonly types: readonly string[] }>> =
  {
    postgres: { classes: instanceClasses, types: Object.keys(storageTypes).sort() },
    'aurora-postgresql': {
      classes: [
        ...instanceClasses.filter(({ name }) => supportsAurora(name)),
        { name: SERVERLESS_CLASS, majorMax: undefined },
      ].sort((a, b) => (a.name < b.name ? -1 : 1)),
      types: [AURORA_STORAGE.StorageType],
    },
  }

/** Options whose key comes after `after`, in the order of their keys, made as they are asked for. */
export function* orderableOptions(
  control: Control,
  asked: DescribeOrderableDBInstanceOptionsMessage,
  after: string,
): Generator<Orderable> {
  if (asked.LicenseModel !== undefined && asked.LicenseModel !== 'postgresql-license') return
  if (asked.Vpc === false) return
  const isAsked = ({ name }: Offered): boolean => (asked.DBInstanceClass ?? name) === name
  for (const version of matchingVersions(control, asked)) {
    const start = `${versionKey(version)}/`
    // All keys of an earlier version come before this one's.
    if (start < after && !after.startsWith(start)) continue
    const { classes, types } = OFFERS[version.engine]
    for (const { name } of classes.filter((candidate) => supportsMajor(candidate, version.major) && isAsked(candidate)))
      for (const storageType of types) {
        const key = `${start}${name}/${storageType}`
        if (key > after) yield { key, version, className: name, storageType }
      }
  }
}

function matchingVersions(control: Control, asked: DescribeOrderableDBInstanceOptionsMessage): EngineVersion[] {
  return everyVersion(control)
    .filter(({ engine }) => engine === asked.Engine)
    .filter(({ version, major }) => asked.EngineVersion === undefined || [version, major].includes(asked.EngineVersion))
    .sort((a, b) => (versionKey(a) < versionKey(b) ? -1 : 1))
}

export function describeOrderable(control: Control, scope: Scope, option: Orderable): OrderableDBInstanceOption {
  return {
    ...(option.version.engine === 'postgres' ? storageOf(option) : AURORA),
    Engine: option.version.engine,
    EngineVersion: option.version.version,
    DBInstanceClass: option.className,
    LicenseModel: 'postgresql-license',
    AvailabilityZoneGroup: scope.region,
    AvailabilityZones: control.hosts.zones.map((zone) => ({ Name: scope.region + zone })),
    StorageType: option.storageType,
    Vpc: true,
    ...capabilities(control),
    ...(option.version.engine !== 'postgres' && { MultiAZCapable: false, SupportsClusters: true }),
  }
}

/** A volume grows by itself, and has no speed that could be asked for. */
const AURORA = {
  SupportsIops: false,
  SupportsStorageThroughput: false,
  SupportsStorageAutoscaling: false,
} satisfies Partial<OrderableDBInstanceOption>

function storageOf(option: Orderable): Partial<OrderableDBInstanceOption> {
  const { sizeGiB, iops, iopsPerGiB, throughputMiBps } = storageTypes[option.storageType]!
  return {
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
