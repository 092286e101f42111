/**
 * Storage types of RDS for PostgreSQL: sizes, and the IOPS and throughput that may be asked for.
 * AWS: RDS User Guide, "Amazon RDS DB instance storage"; API reference, CreateDBInstance, AllocatedStorage and Iops.
 */
export interface StorageRequest {
  readonly StorageType: string
  /** GiB */
  readonly AllocatedStorage: number
  readonly Iops?: number | undefined
  /** MiB/s */
  readonly StorageThroughput?: number | undefined
  /** GiB; the limit of storage autoscaling. */
  readonly MaxAllocatedStorage?: number | undefined
}

interface Range {
  readonly from: number
  readonly to: number
}

/** GiB. Storage grows by a tenth at least, in a modification and in a restore. AWS: RDS API reference, ModifyDBInstance. */
export function leastGrownGiB(sizeGiB: number): number {
  // Not by 1.1, of which binary fractions have a little more: 100 GiB would have to become 111.
  return Math.ceil((sizeGiB * 11) / 10)
}

export interface StorageTypeRules {
  readonly sizeGiB: Range
  /** Undefined: IOPS cannot be asked for. */
  readonly iops?: Range
  readonly iopsPerGiB?: Range
  readonly throughputMiBps?: Range
  /** IOPS must be asked for. */
  readonly iopsRequired?: boolean
}

export const storageTypes: Readonly<Record<string, StorageTypeRules>> = {
  standard: { sizeGiB: { from: 5, to: 3072 } },
  gp2: { sizeGiB: { from: 20, to: 65_536 } },
  gp3: {
    sizeGiB: { from: 20, to: 65_536 },
    iops: { from: 12_000, to: 64_000 },
    iopsPerGiB: { from: 0, to: 500 },
    throughputMiBps: { from: 500, to: 4000 },
  },
  io1: {
    sizeGiB: { from: 100, to: 65_536 },
    iops: { from: 1000, to: 256_000 },
    iopsPerGiB: { from: 0.5, to: 50 },
    iopsRequired: true,
  },
  io2: {
    sizeGiB: { from: 100, to: 65_536 },
    iops: { from: 1000, to: 256_000 },
    iopsPerGiB: { from: 0.5, to: 1000 },
    iopsRequired: true,
  },
}

/** Below this a gp3 volume has its base performance, and nothing else can be asked for. GiB. */
const GP3_STRIPED_GIB = 400
const GP3_BASE = { Iops: 3000, StorageThroughput: 125 } as const
const GP3_STRIPED_BASE = { Iops: 12_000, StorageThroughput: 500 } as const
/** MiB/s of throughput for each IOPS, at most. */
export const GP3_THROUGHPUT_PER_IOPS_MAX = 0.25
/** The limit of autoscaling must leave room for one step. AWS: "Managing capacity automatically". */
const AUTOSCALING_HEADROOM = 1.1

/** What is wrong with it, in RDS's words where they are known; undefined when it can be had. */
export function validateStorage(request: StorageRequest): string | undefined {
  const { StorageType: type, AllocatedStorage: size } = request
  const rules = Object.hasOwn(storageTypes, type) ? storageTypes[type] : undefined
  if (!rules) return `Invalid storage type: ${type}`
  if (!isWholeIn(size, rules.sizeGiB))
    return `Invalid storage size for engine name postgres and storage type ${type}: ${size}`
  return complaintOfIops(request, rules) ?? complaintOfThroughput(request, rules) ?? complaintOfMax(request, rules)
}

/** IOPS and throughput that the volume has, whether they were asked for or come with its type and size. */
export function performanceOf(request: StorageRequest): { Iops?: number; StorageThroughput?: number } {
  const { StorageType, AllocatedStorage, Iops, StorageThroughput } = request
  if (StorageType !== 'gp3') return Iops === undefined ? {} : { Iops }
  const base = AllocatedStorage < GP3_STRIPED_GIB ? GP3_BASE : GP3_STRIPED_BASE
  return { Iops: Iops ?? base.Iops, StorageThroughput: StorageThroughput ?? base.StorageThroughput }
}

function complaintOfIops(request: StorageRequest, rules: StorageTypeRules): string | undefined {
  const { StorageType: type, AllocatedStorage: size, Iops: iops } = request
  if (iops === undefined) return rules.iopsRequired ? `You must specify IOPS for storage type ${type}` : undefined
  if (!rules.iops) return `You can't specify IOPS for storage type ${type}`
  // A request may repeat what the volume has anyway: Terraform sends back what it read.
  if (type === 'gp3' && size < GP3_STRIPED_GIB) return iops === GP3_BASE.Iops ? undefined : tooSmallForGp3()
  if (!isWholeIn(iops, rules.iops))
    return `Invalid iops value for engine name postgres and storage type ${type}: ${iops}`
  const ratio = rules.iopsPerGiB!
  if (iops / size < ratio.from || iops / size > ratio.to)
    return `The IOPS to GiB ratio needs to be between ${ratio.from} and ${ratio.to}`
  return undefined
}

function complaintOfThroughput(request: StorageRequest, rules: StorageTypeRules): string | undefined {
  const { StorageType: type, AllocatedStorage: size, StorageThroughput: throughput } = request
  if (throughput === undefined || throughput === 0) return undefined
  if (!rules.throughputMiBps) return `You can't specify storage throughput for storage type ${type}`
  if (size < GP3_STRIPED_GIB) return throughput === GP3_BASE.StorageThroughput ? undefined : tooSmallForGp3()
  if (!isWholeIn(throughput, rules.throughputMiBps))
    return `Invalid storage throughput value for engine name postgres and storage type ${type}: ${throughput}`
  if (throughput / performanceOf(request).Iops! > GP3_THROUGHPUT_PER_IOPS_MAX)
    return `The storage throughput to IOPS ratio must not be more than ${GP3_THROUGHPUT_PER_IOPS_MAX}`
  return undefined
}

function complaintOfMax(
  { StorageType: type, AllocatedStorage: size, MaxAllocatedStorage: max }: StorageRequest,
  rules: StorageTypeRules,
): string | undefined {
  // The allocated size itself, or zero, is how autoscaling is turned off.
  if (max === undefined || max === 0 || max === size) return undefined
  if (max < size) return `Max storage size must be greater than storage size`
  if (!isWholeIn(max, rules.sizeGiB))
    return `Invalid max storage size for engine name postgres and storage type ${type}: ${max}`
  if (max < Math.floor(size * AUTOSCALING_HEADROOM))
    return 'Max storage size must be at least 10% greater than storage size'
  return undefined
}

const tooSmallForGp3 = (): string =>
  `You can't specify IOPS or storage throughput for engine postgres and a storage size less than ${GP3_STRIPED_GIB}.`

function isWholeIn(value: number, { from, to }: Range): boolean {
  return Number.isInteger(value) && value >= from && value <= to
}
