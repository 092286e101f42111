/**
 * What an agent measures of its instances, and how it tells serve: by minute, so that nothing is lost while serve is
 * away for a while, and so that asking twice gives the same.
 */

/** What an instance may count on. Measures are seen against it. */
export interface InstanceCapacity {
  /** Of its class, or of the host where that has fewer. */
  readonly vcpus: number
  /** Of its class, or of the host where that has less. */
  readonly memoryBytes: number
  /** Of its allocated storage. */
  readonly storageBytes: number
}

/** The samples of one metric in one minute, or in several. */
export interface MetricPoint {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** One more sample of the same minute. */
export const withSample = (point: MetricPoint | undefined, value: number): MetricPoint => ({
  count: (point?.count ?? 0) + 1,
  sum: (point?.sum ?? 0) + value,
  min: Math.min(point?.min ?? value, value),
  max: Math.max(point?.max ?? value, value),
})

/**
 * What is measured, under the names and in the units of CloudWatch's namespace AWS/RDS.
 * AWS: RDS User Guide, "Amazon CloudWatch instance-level metrics for Amazon RDS".
 */
export const metricUnits = {
  CPUUtilization: 'Percent',
  FreeableMemory: 'Bytes',
  SwapUsage: 'Bytes',
  FreeStorageSpace: 'Bytes',
  DatabaseConnections: 'Count',
  ReadIOPS: 'Count/Second',
  WriteIOPS: 'Count/Second',
  ReadThroughput: 'Bytes/Second',
  WriteThroughput: 'Bytes/Second',
  ReplicaLag: 'Seconds',
  TransactionLogsDiskUsage: 'Bytes',
  TransactionLogsGeneration: 'Bytes/Second',
  OldestReplicationSlotLag: 'Bytes',
  ReplicationSlotDiskUsage: 'Bytes',
  MaximumUsedTransactionIDs: 'Count',
  CheckpointLag: 'Seconds',
  /** Of serverless instances alone, as the next one: in ACUs, and how much of the largest that is. */
  ServerlessDatabaseCapacity: 'Count',
  ACUUtilization: 'Percent',
  /** Of readers of Aurora clusters, and of clusters: serve finds them out, as the next two. */
  AuroraReplicaLag: 'Milliseconds',
  AuroraReplicaLagMaximum: 'Milliseconds',
  AuroraReplicaLagMinimum: 'Milliseconds',
  /** Of secondary clusters of global databases, by the region of the primary. The next two as well. */
  AuroraGlobalDBReplicationLag: 'Milliseconds',
  AuroraGlobalDBRPOLag: 'Milliseconds',
  AuroraGlobalDBDataTransferBytes: 'Bytes',
} as const

export type MetricName = keyof typeof metricUnits

/** What could not be measured is absent. */
export type MetricValues = { readonly [K in MetricName]?: number }

/** One minute of one instance. The present minute is told too, and again with more samples later. */
export interface MeasuredMinute {
  readonly id: string
  /** When it began: milliseconds since the epoch. */
  readonly minute: number
  readonly metrics: { readonly [K in MetricName]?: MetricPoint }
}
