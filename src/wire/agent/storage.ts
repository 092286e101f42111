/** How full an instance's storage is, as its agent sees it. */

/**
 * `low`: a tenth of the allocated storage or less is free. `critical`: nearly full. `full`: only the reserve is left, and
 * the engine lets no transaction write that does not insist on it.
 */
export type StorageLevel = 'ample' | 'low' | 'critical' | 'full'

export interface ObservedStorage {
  readonly level: StorageLevel
  /** Data and log, when the level was reached. Absent where an earlier agent saw that. */
  readonly usedBytes?: number
  readonly allocatedBytes: number
  /** What there is too little of: what was allocated, or the disk of the host, which more allocation does not help. */
  readonly limit: 'allocation' | 'host'
}

/** A tenth. AWS: RDS User Guide, "Managing capacity automatically with Amazon RDS storage autoscaling". */
export const LOW_SHARE = 0.1
