/**
 * How far the readers of Aurora clusters are behind, and what the instances say of each other to clients that ask. Serve
 * alone knows all of a cluster; an engine goes on with what it was told last.
 */
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'
import type { Log } from '#base/log.ts'
import { withSample, type MetricName, type MetricPoint } from '#wire/agent/measures.ts'
import type { LogPosition } from '#wire/agent/replication.ts'
import type { ReplicaStatus, ToldOfCluster } from '#wire/agent/volume.ts'
import { parseLsn } from '#wire/pg/lsn.ts'
import type { Control } from '../control.ts'
import { LagTrace } from '../db-cluster/replica-lag.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { GlobalSights } from '../global-cluster/sights.ts'
import { clusterMetric, instanceMetric } from '../metrics/collect.ts'
import { memberRecords } from './find.ts'
import { isWriter, type AuroraClusterRecord } from './record.ts'
import { auroraRounds } from './rounds.ts'
import { serves } from './sight.ts'

/** Who writes, and who is there, is told as soon as it is seen; how far readers are, now and then. */
const LOOK_EVERY_MS = SECOND_MS
const MEASURE_EVERY_MS = 5 * SECOND_MS

/** Clients take an instance of which nothing newer is known for gone. */
const FORGOTTEN_AFTER_MS = 5 * MINUTE_MS

type Seeing = Pick<Control, 'store' | 'hosts' | 'clock' | 'metrics' | 'random'>

/** Looks again and again until it is stopped. */
export const watchAuroraReplicas = (control: Seeing, log: Log): { stop(): void } => {
  const known = new Map<string, ReplicaStatus>()
  const globals = new GlobalSights(control, log, known)
  return auroraRounds(control, log, {
    everyMs: LOOK_EVERY_MS,
    what: 'look at the instances of Aurora clusters',
    watcher: (isOver) => {
      const replicas = new Replicas({ control, known, globals }, isOver)
      return (cluster) => replicas.look(cluster)
    },
  })
}

interface Parts {
  readonly control: Seeing
  /** What was last known of each instance of any cluster, by resource id. */
  readonly known: Map<string, ReplicaStatus>
  readonly globals: GlobalSights
}

/** Of one cluster. */
class Replicas {
  private readonly control: Seeing
  private readonly isOver: () => boolean
  private trace = new LagTrace()
  private traced: string | undefined
  private measuredAt = -Infinity
  private topology = ''
  private readonly known: Map<string, ReplicaStatus>
  private readonly globals: GlobalSights
  private minute = 0
  private readonly samples = new Map<string, MetricPoint>()

  constructor({ control, known, globals }: Parts, isOver: () => boolean) {
    this.control = control
    this.known = known
    this.globals = globals
    this.isOver = isOver
  }

  async look(cluster: AuroraClusterRecord): Promise<void> {
    const records = [...(await memberRecords(this.control, cluster)).values()].map(({ value }) => value)
    const here = records.filter((record) => this.isHere(record))
    const topology = JSON.stringify(here.map((record) => [record.resourceId, record.id, isWriter(cluster, record)]))
    const at = this.control.clock.monotonic()
    if (this.isOver() || (topology === this.topology && at - this.measuredAt < MEASURE_EVERY_MS)) return
    this.topology = topology
    this.measuredAt = at
    const lags = await this.lagsOf(cluster, here)
    this.note(cluster, here, lags)
    this.record(cluster, here, lags)
    const said = { replicas: this.rowsOf(records), global: this.globals.latest(cluster) }
    const told = await Promise.all(here.map((record) => this.tell(record, said)))
    // One that has not heard it is told at the next look.
    if (told.includes(false)) this.topology = ''
  }

  private readonly isHere = (record: DbInstanceRecord): boolean =>
    record.endpointKnown && this.control.hosts.isConnected(record.zone) && serves(this.control, record)

  /** Milliseconds, by resource id of readers. */
  private async lagsOf(cluster: AuroraClusterRecord, here: readonly DbInstanceRecord[]): Promise<Map<string, number>> {
    const lags = new Map<string, number>()
    const writer = here.find((record) => isWriter(cluster, record))
    if (!writer || !cluster.isOpen) return lags
    if (this.traced !== writer.resourceId) this.trace = new LagTrace()
    this.traced = writer.resourceId
    const position = await this.position(writer)
    if (position?.role !== 'primary') return lags
    const at = this.control.clock.monotonic()
    this.trace.note(at, parseLsn(position.flushedLsn))
    const readers = here.filter((record) => record !== writer)
    const replayed = await Promise.all(readers.map((reader) => this.position(reader)))
    for (const [n, seen] of replayed.entries())
      if (seen?.role === 'standby') lags.set(readers[n]!.resourceId, this.trace.lagMs(at, parseLsn(seen.replayedLsn)))
    return lags
  }

  private position({ zone, resourceId: id }: DbInstanceRecord): Promise<LogPosition | undefined> {
    return this.control.hosts.ask(zone, 'instance.position', { id }).catch(() => undefined)
  }

  private note(
    cluster: AuroraClusterRecord,
    here: readonly DbInstanceRecord[],
    lags: ReadonlyMap<string, number>,
  ): void {
    const seenAt = this.control.clock.now()
    for (const [id, { seenAt: last }] of this.known) if (seenAt - last > FORGOTTEN_AFTER_MS) this.known.delete(id)
    for (const record of here) {
      const lagMs = lags.get(record.resourceId)
      const cpuPercent = this.processorUse(record)
      this.known.set(record.resourceId, {
        serverId: record.id,
        isWriter: isWriter(cluster, record),
        sessionId: this.known.get(record.resourceId)?.sessionId ?? this.control.random.uuid(),
        ...(lagMs !== undefined && { lagMs }),
        ...(cpuPercent !== undefined && { cpuPercent }),
        seenAt,
      })
    }
  }

  private rowsOf(records: readonly DbInstanceRecord[]): ReplicaStatus[] {
    return records.flatMap(({ resourceId }) => this.known.get(resourceId) ?? [])
  }

  /** Of the last minute that was measured, of the last few. */
  private processorUse(record: DbInstanceRecord): number | undefined {
    const now = this.control.clock.now()
    const last = this.control.metrics.read(instanceMetric(record, 'CPUUtilization'), now - 3 * MINUTE_MS, now).at(-1)
    return last && last.sum / last.count
  }

  private async tell({ zone, resourceId: id }: DbInstanceRecord, said: ToldOfCluster): Promise<boolean> {
    if (this.isOver()) return true
    const told = this.control.hosts.ask(zone, 'instance.tell-replicas', { id, ...said })
    return told.then(
      () => true,
      () => false,
    )
  }

  // AWS: Aurora user guide, "Amazon CloudWatch metrics for Amazon Aurora".
  private record(
    cluster: AuroraClusterRecord,
    here: readonly DbInstanceRecord[],
    lags: ReadonlyMap<string, number>,
  ): void {
    if (lags.size === 0) return
    const minute = Math.floor(this.control.clock.now() / MINUTE_MS) * MINUTE_MS
    if (minute !== this.minute) this.samples.clear()
    this.minute = minute
    const named = (metric: MetricName, value: number, record: DbInstanceRecord | AuroraClusterRecord) => {
      const key = `${metric} ${record.resourceId}`
      const point = withSample(this.samples.get(key), value)
      this.samples.set(key, point)
      const id = 'members' in record ? clusterMetric(record, metric) : instanceMetric(record, metric)
      return { metric: id, point: { minute, ...point } }
    }
    const readers = here.filter(({ resourceId }) => lags.has(resourceId))
    this.control.metrics.record([
      ...readers.map((record) => named('AuroraReplicaLag', lags.get(record.resourceId)!, record)),
      named('AuroraReplicaLagMaximum', Math.max(...lags.values()), cluster),
      named('AuroraReplicaLagMinimum', Math.min(...lags.values()), cluster),
    ])
  }
}
