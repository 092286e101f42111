/** When storage is how full. Pure. */
import { MIB } from '#base/bytes.ts'
import { LOW_SHARE, type ObservedStorage, type StorageLevel } from '#wire/agent/storage.ts'

export interface StorageSight {
  /** Data and log. */
  readonly usedBytes: number
  readonly allocatedBytes: number
  /** What the disk of the host has left; undefined: not known. */
  readonly hostFreeBytes: number | undefined
  /** Nothing can be written past the end, rather than nothing shall. */
  readonly isVolume?: boolean
}

/**
 * What is kept of the allocated storage so that the engine can always recover, checkpoint and delete: two segments of its
 * log at least, and what a fast writer writes before it is seen.
 */
export function reserveOf({ allocatedBytes, isVolume }: Pick<StorageSight, 'allocatedBytes' | 'isVolume'>): number {
  const least = isVolume ? VOLUME_RESERVE_BYTES_MIN : RESERVE_BYTES_MIN
  return Math.min(Math.max(allocatedBytes / 40, least), RESERVE_BYTES_MAX)
}

const RESERVE_BYTES_MIN = 32 * MIB
/** An engine that is not given its next segment of log goes down: one that is ended late must not come to that. */
const VOLUME_RESERVE_BYTES_MIN = 96 * MIB
const RESERVE_BYTES_MAX = 512 * MIB

/** What has to be free for storage that was full to be so no longer. */
export const reliefOf = (sight: Pick<StorageSight, 'allocatedBytes' | 'isVolume'>): number => reserveOf(sight) * RELIEF

/** Storage that was full is full until so much more than the reserve is free: it would flicker else. */
const RELIEF = 1.5

export function levelOf(sight: StorageSight, before: StorageLevel): Pick<ObservedStorage, 'level' | 'limit'> {
  const { usedBytes, allocatedBytes, hostFreeBytes = Infinity } = sight
  const freeBytes = allocatedBytes - usedBytes
  const relief = before === 'full' ? RELIEF : 1
  const reserve = reserveOf(sight)
  if (freeBytes <= reserve * relief) return { level: 'full', limit: 'allocation' }
  if (hostFreeBytes <= RESERVE_BYTES_MIN * relief) return { level: 'full', limit: 'host' }
  if (freeBytes <= 2 * reserve) return { level: 'critical', limit: 'allocation' }
  if (hostFreeBytes <= 2 * RESERVE_BYTES_MIN) return { level: 'critical', limit: 'host' }
  return { level: freeBytes <= allocatedBytes * LOW_SHARE ? 'low' : 'ample', limit: 'allocation' }
}

/**
 * Whether writers use up the reserve: more was written than a part of it since they were last ended, or since as little
 * was used as ever. Who deletes writes too, a little, and is let go on.
 */
export function isFilling(sight: StorageSight, leastUsedBytes: number): boolean {
  const { usedBytes, hostFreeBytes = Infinity } = sight
  const allowance = Math.max(reserveOf(sight) / 4, ALLOWANCE_BYTES_MIN)
  return usedBytes > leastUsedBytes + allowance || hostFreeBytes < RESERVE_BYTES_MIN / 2
}

/** A segment of log is made whole when its first byte is written, whoever writes that. */
const ALLOWANCE_BYTES_MIN = 24 * MIB

/** Time that is left until the reserve is reached, if what was written goes on like this. Infinity: nothing was. */
export function msUntilFull(sight: StorageSight, before: { usedBytes: number; msAgo: number }): number {
  const { usedBytes, allocatedBytes, hostFreeBytes = Infinity } = sight
  const grown = usedBytes - before.usedBytes
  if (grown <= 0) return Infinity
  const left = Math.min(allocatedBytes - usedBytes - reserveOf(sight), hostFreeBytes - RESERVE_BYTES_MIN)
  return (Math.max(0, left) * before.msAgo) / grown
}
