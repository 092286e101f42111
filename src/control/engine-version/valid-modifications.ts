import type { ValidDBInstanceModificationsMessage, ValidStorageOptions } from '@aws-sdk/client-rds'
import { GP3_THROUGHPUT_PER_IOPS_MAX, storageTypes } from '#catalog/storage.ts'
import type { StorageTypeRules } from '#catalog/storage.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'

/** Storage that an instance can be changed to. It never shrinks. */
export function validModifications({ settings }: DbInstanceRecord): ValidDBInstanceModificationsMessage {
  return {
    Storage: Object.entries(storageTypes)
      .filter(([, { sizeGiB }]) => sizeGiB.to >= settings.AllocatedStorage)
      .map(([type, rules]) => storageOptions(type, rules, settings.AllocatedStorage)),
    ValidProcessorFeatures: [],
    SupportsDedicatedLogVolume: false,
  }
}

function storageOptions(type: string, rules: StorageTypeRules, allocatedGiB: number): ValidStorageOptions {
  const { sizeGiB, iops, iopsPerGiB, throughputMiBps } = rules
  return {
    StorageType: type,
    StorageSize: [{ From: Math.max(sizeGiB.from, allocatedGiB), To: sizeGiB.to, Step: 1 }],
    ...(iops && { ProvisionedIops: [{ From: iops.from, To: iops.to, Step: 1 }] }),
    ...(iopsPerGiB && { IopsToStorageRatio: [{ From: iopsPerGiB.from, To: iopsPerGiB.to }] }),
    ...(throughputMiBps && {
      ProvisionedStorageThroughput: [{ From: throughputMiBps.from, To: throughputMiBps.to, Step: 1 }],
      StorageThroughputToIopsRatio: [{ From: 0, To: GP3_THROUGHPUT_PER_IOPS_MAX }],
    }),
    SupportsStorageAutoscaling: type !== 'standard',
  }
}
