import { GIB } from '#base/bytes.ts'

/**
 * How large a GiB of allocated storage is, and how much faster the times of storage rules run. Both are what they say,
 * except where somebody wants to see in minutes how an instance fills up and grows.
 */
export interface StorageScale {
  /** Bytes that one GiB of AllocatedStorage stands for. */
  readonly unitBytes: number
  /** Minutes and hours of the rules are divided by this. */
  readonly speed: number
}

export const REAL_SCALE: StorageScale = { unitBytes: GIB, speed: 1 }
