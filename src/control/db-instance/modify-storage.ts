/** What ModifyDBInstance may change about storage, and when. AWS: RDS User Guide, "Increasing DB instance storage capacity". */
import type { ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { StorageQuotaExceededFault } from '@aws-sdk/client-rds'
import { leastGrownGiB, storageTypes } from '#catalog/storage.ts'
import { fault } from '#wire/aws/faults.ts'
import type { Control } from '../control.ts'
import { coolingOffMs, historyOf } from '../storage/history.ts'
import { invalidCombination } from './faults.ts'
import { keyOf, type DbInstanceRecord, type PendingChanges } from './record.ts'
import { storageSettings } from './settings.ts'

/** Changes that take a storage modification, of which there is one in six hours. */
const STORAGE_CHANGES = [
  'AllocatedStorage',
  'StorageType',
  'Iops',
  'StorageThroughput',
] as const satisfies readonly (keyof PendingChanges)[]

export const isStorageChange = (name: keyof PendingChanges): boolean => STORAGE_CHANGES.some((one) => one === name)

/** The storage members with the size that is really asked for. Throws for what cannot be had, or not yet. */
export async function checkedStorage(
  control: Pick<Control, 'store' | 'clock' | 'storageScale'>,
  record: DbInstanceRecord,
  asked: ModifyDBInstanceMessage,
): Promise<Pick<ModifyDBInstanceMessage, 'AllocatedStorage'>> {
  const { settings } = record
  const { AllocatedStorage, StorageType, Iops, StorageThroughput, MaxAllocatedStorage } = asked
  if ([AllocatedStorage, StorageType, Iops, StorageThroughput, MaxAllocatedStorage].every((v) => v === undefined))
    return {}
  if (storageTypes[settings.StorageType]?.iopsRequired && (AllocatedStorage === undefined) !== (Iops === undefined))
    throw invalidCombination(
      'You must specify both the storage size and iops when modifying the storage size or iops on a DB instance that has iops.',
    )
  let size = AllocatedStorage ?? settings.AllocatedStorage
  if (size < settings.AllocatedStorage) throw invalidCombination('Requested size cannot be less than the current size.')
  if (size > settings.AllocatedStorage) size = Math.max(size, leastGrownGiB(settings.AllocatedStorage))
  if (size > STORAGE_GIB_MAX)
    throw fault(StorageQuotaExceededFault, `The storage of a DB instance cannot exceed ${STORAGE_GIB_MAX} GiB.`)
  const typeChanges = StorageType !== undefined && StorageType !== settings.StorageType
  storageSettings({
    AllocatedStorage: size,
    StorageType: StorageType ?? settings.StorageType,
    Iops: Iops ?? (typeChanges ? undefined : settings.Iops),
    StorageThroughput: StorageThroughput ?? (typeChanges ? undefined : settings.StorageThroughput),
    MaxAllocatedStorage: MaxAllocatedStorage ?? settings.MaxAllocatedStorage,
  })
  const changes = STORAGE_CHANGES.some((name) => asked[name] !== undefined && asked[name] !== settings[name])
  if (changes && coolingOffMs(control, (await historyOf(control, keyOf(record))).value) > 0)
    throw invalidCombination(
      "You can't currently modify the storage of this DB instance because the previous storage change is being optimized.",
    )
  return AllocatedStorage === undefined ? {} : { AllocatedStorage: size }
}

/** AWS: RDS User Guide, storage limits of PostgreSQL. */
const STORAGE_GIB_MAX = 65_536
