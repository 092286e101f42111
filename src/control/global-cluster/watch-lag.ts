/** How far the copies of global databases are behind, as CloudWatch has it: under the secondary cluster, in its region. */
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'
import type { Log } from '#base/log.ts'
import { withSample, type MetricName, type MetricPoint } from '#wire/agent/measures.ts'
import type { ObservedRelay } from '#wire/lognode/messages.ts'
import type { Control } from '../control.ts'
import { isSecondary, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { auroraRounds } from '../aurora-cluster/rounds.ts'
import { clusterMetric } from '../metrics/collect.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { observedRelay } from '../volume/relays.ts'

const LOOK_EVERY_MS = 5 * SECOND_MS

type Seeing = Pick<Control, 'store' | 'hosts' | 'clock' | 'metrics'>

/** Looks again and again until it is stopped. */
export const watchGlobalLag = (control: Seeing, log: Log): { stop(): void } =>
  auroraRounds(control, log, {
    everyMs: LOOK_EVERY_MS,
    what: 'look at the copies of global databases',
    isWatched: isSecondary,
    watcher: (isOver) => {
      const copy = new Copy(control)
      return async (cluster) => {
        const held = await volumes(control, cluster).get(cluster.resourceId)
        const relay = held && (await observedRelay(control, held.value))
        if (relay && !isOver()) copy.note(cluster, held.value, relay)
      }
    },
  })

/** Of one secondary cluster. */
class Copy {
  private readonly control: Seeing
  private minute = 0
  private readonly samples = new Map<MetricName, MetricPoint>()
  /** How much it had of the log at the last look. */
  private had: number | undefined

  constructor(control: Seeing) {
    this.control = control
  }

  // AWS: Aurora user guide, "Cluster-level metrics for Amazon Aurora".
  note(cluster: AuroraClusterRecord, { relay }: VolumeRecord, seen: ObservedRelay): void {
    const now = this.control.clock.now()
    const minute = Math.floor(now / MINUTE_MS) * MINUTE_MS
    if (minute !== this.minute) this.samples.clear()
    this.minute = minute
    // Told of a source that writes nothing too: what is durable there at a time is said again and again.
    const behindMs = seen.asOfMs === undefined ? undefined : Math.max(0, now - seen.asOfMs)
    const brought = this.had === undefined ? undefined : Math.max(0, seen.copied - this.had)
    this.had = seen.copied
    const measured: readonly (readonly [MetricName, number | undefined])[] = [
      ['AuroraGlobalDBReplicationLag', seen.lagMs],
      ['AuroraGlobalDBRPOLag', behindMs],
      ['AuroraGlobalDBDataTransferBytes', brought],
    ]
    this.control.metrics.record(
      measured.flatMap(([name, value]) => {
        if (value === undefined || !relay) return []
        const point = withSample(this.samples.get(name), value)
        this.samples.set(name, point)
        const { dimensions, ...id } = clusterMetric(cluster, name)
        const metric = { ...id, dimensions: { ...dimensions, SourceRegion: relay.source.region } }
        return [{ metric, point: { minute, ...point } }]
      }),
    )
  }
}
