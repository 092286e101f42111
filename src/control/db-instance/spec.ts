import { familyOf } from '#catalog/families.ts'
import { connectionsMaxOf } from '#catalog/serverless.ts'
import { assert } from '#base/assert.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { Control } from '../control.ts'
import { effectiveSettings } from '../parameter-group/effective.ts'
import { appliedGroupsOf, requireParameterGroup, valuesSince } from '../parameter-group/record.ts'
import { allowedSources } from '../network/sources.ts'
import { enginePortOf, GATEWAY_ONLY, isDirect, LOOPBACK } from './engine-address.ts'
import type { DbInstanceRecord, InstanceKey } from './record.ts'
import { scalingOf, sizeOf } from './size.ts'
import { tlsOf } from './tls.ts'
import { placementOf, type Placement } from './topology.ts'

/** What a volume may grow to. AWS: Aurora user guide, "Amazon Aurora size limits". */
const AURORA_GIB_MAX = 128 * 1024

/**
 * What an agent needs to run this instance: the record's settings as engine parameters, with the values of
 * `appliedParameterGroup`. Memory in formulas is the class's, or that of the largest capacity, as far as the host has it. `placement`: what it is to be,
 * where that is not in the store yet.
 */
export async function instanceSpec(
  control: Control,
  record: DbInstanceRecord,
  placement?: Placement,
): Promise<InstanceSpec> {
  const { certificate, resourceId, settings } = record
  assert(certificate, 'an instance has its certificate before its engine is configured')
  const groups = await Promise.all(appliedGroupsOf(record).map((name) => requireParameterGroup(control, record, name)))
  const family = familyOf(majorOf(settings.EngineVersion), record.engine)
  const { memoryBytes, vcpus } = sizeOf(settings)
  const scaling = scalingOf(settings)
  const capacity = {
    vcpus: Math.min(vcpus, control.hostVcpus),
    memoryBytes: Math.min(memoryBytes, control.hostMemoryBytes),
    storageBytes: storageBytesOf(control, record),
  }
  const {
    settings: parameters,
    requireTls,
    scaled,
  } = effectiveSettings({
    ...(record.cluster && { kind: 'cluster' }),
    family,
    values: Object.fromEntries(groups.flatMap((group) => Object.entries(valuesSince(group, record.parametersAsOf)))),
    classMemoryBytes: memoryBytes,
    classVcpus: vcpus,
    hostMemoryBytes: control.hostMemoryBytes,
    allocatedStorageGiB: settings.AllocatedStorage,
    port: record.port,
    connectionsMax: scaling && connectionsMaxOf(scaling.minCapacity),
  })
  return {
    id: resourceId,
    engine: 'postgres',
    version: settings.EngineVersion,
    listenAddress: isDirect(record) ? control.advertised.listenAddress : LOOPBACK,
    port: enginePortOf(record),
    settings: parameters,
    requireTls,
    allowedSources: isDirect(record)
      ? await allowedSources(control, record, settings.VpcSecurityGroupIds, record.port)
      : GATEWAY_ONLY,
    ...(placement ?? (await placementOf(control, record))),
    tls: tlsOf(control, record, certificate),
    capacity,
    ...(scaling && { serverless: { minAcu: scaling.minCapacity, maxAcu: scaling.maxCapacity, scaled } }),
    // The log of a cluster is one, whoever of its members writes it. That of a volume its log nodes have.
    archivePrefix:
      settings.BackupRetentionPeriod > 0 && !record.aurora ? archivePrefix(record.cluster ?? record) : undefined,
  }
}

/** What its data may take. */
export const storageBytesOf = (
  { storageScale }: Pick<Control, 'storageScale'>,
  { aurora, settings }: DbInstanceRecord,
): number => (aurora ? AURORA_GIB_MAX : settings.AllocatedStorage) * storageScale.unitBytes

/** Where the archive has the instance's backups and its log: its own for all time, whatever it is called. */
export const archivePrefix = ({ region, account, resourceId }: InstanceKey): string =>
  `${region}/${account}/${resourceId}`

export const majorOf = (engineVersion: string): string => engineVersion.split('.')[0]!
