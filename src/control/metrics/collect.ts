/** Reads what agents measured, and keeps it as CloudWatch's metrics of DB instances. */
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/trouble.ts'
import type { Timer } from '#host/clock.ts'
import type { MetricId, Point } from '#telemetry/metrics.ts'
import type { MeasuredMinute } from '#wire/agent/measures.ts'
import { findAuroraCluster, isWriter } from '../aurora-cluster/record.ts'
import type { Control } from '../control.ts'
import { isPaused } from '../db-instance/pause.ts'
import { dbInstanceNames, findByKey, type DbInstanceRecord } from '../db-instance/record.ts'
import { storageBytesOf } from '../db-instance/spec.ts'

/** As often as agents measure, or nearly: a metric is known some seconds after it was measured. */
const COLLECT_EVERY_MS = 10 * SECOND_MS

const RDS_NAMESPACE = 'AWS/RDS'

export type MetricsControl = Pick<Control, 'store' | 'hosts' | 'clock' | 'metrics' | 'storageScale'>

/** The metric of an instance. Its name tells it apart, as on AWS: after a rename a new series begins. */
export function instanceMetric(record: Pick<DbInstanceRecord, 'account' | 'region' | 'id'>, name: string): MetricId {
  const { account, region, id } = record
  return { account, region, namespace: RDS_NAMESPACE, name, dimensions: { DBInstanceIdentifier: id } }
}

/** The metric of a DB cluster. */
export function clusterMetric(record: Pick<DbInstanceRecord, 'account' | 'region' | 'id'>, name: string): MetricId {
  const { account, region, id } = record
  return { account, region, namespace: RDS_NAMESPACE, name, dimensions: { DBClusterIdentifier: id } }
}

/** Collects again and again until it is stopped. Only asks agents that run anyway. */
export function collectMetrics(control: MetricsControl, log: Log): { stop(): void } {
  const collector = new Collector(control, log)
  collector.begin()
  return collector
}

class Collector {
  private readonly control: MetricsControl
  private readonly log: Log
  /** Minutes from which on a zone has not told everything yet. */
  private readonly from = new Map<string, number>()
  private timer: Timer | undefined
  private stopped = false
  private wasFailing = false

  constructor(control: MetricsControl, log: Log) {
    this.control = control
    this.log = log
  }

  begin(): void {
    void this.round().then(() => {
      if (!this.stopped) this.timer = this.control.clock.after(COLLECT_EVERY_MS, () => this.begin())
    })
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
  }

  private async round(): Promise<void> {
    try {
      const instances = await instancesByZone(this.control)
      this.control.metrics.record([...instances.values()].flatMap((records) => this.restOf(records)))
      for (const [zone, records] of instances) if (this.control.hosts.isConnected(zone)) await this.read(zone, records)
      this.wasFailing = false
    } catch (error) {
      // An agent that has just gone, a full disk: tried again soon, and complained about once.
      if (!this.wasFailing && !this.stopped) this.log.warn({ error }, `collect metrics: ${messageOf(error)}`)
      this.wasFailing = true
    }
  }

  /** What is known of the paused ones. AWS: Aurora user guide, auto-pause, Monitoring: three metrics, which are zero. */
  private restOf(records: ReadonlyMap<string, DbInstanceRecord>): MeasuredPoint[] {
    const minute = Math.floor(this.control.clock.now() / MINUTE_MS) * MINUTE_MS
    return [...records.values()]
      .filter((record) => isPaused(record) && record.aurora!.pause!.since <= minute)
      .flatMap((record) => pointsOf(record, { id: record.resourceId, minute, metrics: AT_REST }))
  }

  private async read(zone: string, records: ReadonlyMap<string, DbInstanceRecord>): Promise<void> {
    for (;;) {
      const { minutes, more } = await this.control.hosts.ask(zone, 'measures.read', { from: this.from.get(zone) ?? 0 })
      const last = minutes.at(-1)
      if (this.stopped || !last) return
      const volumes = await Promise.all(
        minutes.map((minute) => volumePoints(this.control, records.get(minute.id), minute)),
      )
      const own = minutes.flatMap((minute) => pointsOf(records.get(minute.id), minute))
      this.control.metrics.record([...own, ...volumes.flat()])
      // The present minute is told again as it goes on; when there is more, this one is not the present one.
      this.from.set(zone, more ? last.minute + MINUTE_MS : last.minute)
      if (!more) return
    }
  }
}

interface MeasuredPoint {
  readonly metric: MetricId
  readonly point: Point
}

const ZERO = { count: 1, sum: 0, min: 0, max: 0 }
const AT_REST: MeasuredMinute['metrics'] = {
  CPUUtilization: ZERO,
  ServerlessDatabaseCapacity: ZERO,
  ACUUtilization: ZERO,
}

function pointsOf(record: DbInstanceRecord | undefined, { minute, metrics }: MeasuredMinute): MeasuredPoint[] {
  if (!record) return []
  return Object.entries(metrics).map(([name, point]) => ({
    metric: instanceMetric(record, name),
    point: { minute, ...point },
  }))
}

/**
 * How large the volume of an Aurora cluster is: what its writer's data takes. Readers have the same pages again, and log nodes
 * the log. AWS: Aurora user guide, "Cluster-level metrics for Amazon Aurora", VolumeBytesUsed.
 */
async function volumePoints(
  control: MetricsControl,
  record: DbInstanceRecord | undefined,
  { minute, metrics: { FreeStorageSpace: free } }: MeasuredMinute,
): Promise<MeasuredPoint[]> {
  if (!record?.aurora || !record.cluster || !free) return []
  const held = await findAuroraCluster(control, record.cluster)
  if (!held || !isWriter(held.value, record)) return []
  const { account, region, id } = held.value
  const dimensions = { DBClusterIdentifier: id }
  const bytes = storageBytesOf(control, record)
  return [
    {
      metric: { account, region, namespace: RDS_NAMESPACE, name: 'VolumeBytesUsed', dimensions },
      point: {
        minute,
        count: free.count,
        sum: free.count * bytes - free.sum,
        min: bytes - free.max,
        max: bytes - free.min,
      },
    },
  ]
}

/** By zone and resource id: what a host measures of an instance that another host serves is not that instance's. */
async function instancesByZone(
  control: Pick<Control, 'store'>,
): Promise<ReadonlyMap<string, ReadonlyMap<string, DbInstanceRecord>>> {
  const zones = new Map<string, Map<string, DbInstanceRecord>>()
  const names = dbInstanceNames(control)
  for (const { key } of await names.list()) {
    const [account, region, resourceId] = key.slice(names.prefix.length).split('/')
    const held = await findByKey(control, { account: account!, region: region!, resourceId: resourceId! })
    if (!held) continue
    const { zone } = held.value
    zones.set(zone, (zones.get(zone) ?? new Map<string, DbInstanceRecord>()).set(held.value.resourceId, held.value))
  }
  return zones
}
