/** From what was seen of an engine to the metrics of CloudWatch. Pure. */
import type { EngineFacts } from '#engine/engine.ts'
import type { InstanceCapacity, MetricName, MetricValues } from '#wire/agent/measures.ts'

export interface Look {
  /** By the monotonic clock. */
  readonly atMs: number
  /** Of the engine's process: what grows began anew with it. */
  readonly pid: number | undefined
  readonly facts: EngineFacts
  /** Memory that the host has left for anybody. */
  readonly hostFreeBytes: number
}

/** Two looks further apart than this say nothing about the time in between: the machine slept, or the agent did. */
const LOOKS_APART_MS_MAX = 120_000

/** Processors that the engine kept busy between two looks; undefined where that is not known. */
export function busyVcpus(before: Look | undefined, now: Look): number | undefined {
  const cpuMs = ratesBetween(before, now)('cpuMs')
  return cpuMs === undefined ? undefined : cpuMs / 1000
}

/** The metrics that this look tells, and with the one before it those that are rates. */
export function valuesOf(before: Look | undefined, now: Look, capacity: InstanceCapacity): MetricValues {
  const { facts } = now
  const perSecond = ratesBetween(before, now)
  const vcpus = busyVcpus(before, now)
  return withoutAbsent({
    CPUUtilization: vcpus === undefined ? undefined : Math.min(100, (100 * vcpus) / capacity.vcpus),
    FreeableMemory:
      facts.memoryBytes === undefined
        ? undefined
        : Math.max(0, Math.min(capacity.memoryBytes - facts.memoryBytes, now.hostFreeBytes)),
    SwapUsage: facts.swapBytes,
    FreeStorageSpace:
      facts.storageBytes === undefined ? undefined : Math.max(0, capacity.storageBytes - facts.storageBytes),
    DatabaseConnections: facts.connections,
    ReadIOPS: perSecond('reads'),
    WriteIOPS: perSecond('writes'),
    ReadThroughput: perSecond('readBytes'),
    WriteThroughput: perSecond('writtenBytes'),
    ReplicaLag: facts.replicaLagSeconds,
    TransactionLogsDiskUsage: facts.logBytes,
    TransactionLogsGeneration: perSecond('logGeneratedBytes'),
    OldestReplicationSlotLag: facts.slotLagBytes,
    ReplicationSlotDiskUsage: facts.slotBytes,
    MaximumUsedTransactionIDs: facts.transactionIds,
    CheckpointLag: facts.checkpointAgeSeconds,
  })
}

/** Those that a capacity is told by come from whoever gives it. */
type MeasuredName = Exclude<
  MetricName,
  'ServerlessDatabaseCapacity' | 'ACUUtilization' | `AuroraReplicaLag${string}` | `AuroraGlobalDB${string}`
>

type Growing = 'cpuMs' | 'readBytes' | 'writtenBytes' | 'reads' | 'writes' | 'logGeneratedBytes'

/**
 * How fast something grew between two looks at one engine process. Undefined where one of them did not see it, or where
 * it shrank, which a reset of the engine's statistics does, and a child that ended in the middle of a look.
 */
function ratesBetween(before: Look | undefined, now: Look): (name: Growing) => number | undefined {
  return (name) => {
    const [from, to] = [before?.facts[name], now.facts[name]]
    if (!before || from === undefined || to === undefined || before.pid !== now.pid) return undefined
    const ms = now.atMs - before.atMs
    if (to < from || ms <= 0 || ms > LOOKS_APART_MS_MAX) return undefined
    return ((to - from) * 1000) / ms
  }
}

function withoutAbsent(values: { readonly [K in MeasuredName]: number | undefined }): MetricValues {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
