/**
 * Flow control of Multi-AZ DB clusters: sessions that write are held for a moment after each transaction while a reader
 * is further behind than its cluster allows. AWS: RDS user guide, Multi-AZ DB cluster deployments, Replica lag.
 *
 * The order to hold them is a lease that every look renews, so that the end of serve leaves nobody slow.
 */
import { SECOND_MS } from '#base/durations.ts'
import type { Log } from '#base/log.ts'
import type { Questions } from '#wire/agent/messages.ts'
import { parseLsn } from '#wire/pg/lsn.ts'
import type { Control } from '../control.ts'
import { dbInstances } from '../db-instance/record.ts'
import { targetLagSeconds } from '../parameter-group/effective.ts'
import { appliedGroupOf, requireParameterGroup, valuesSince } from '../parameter-group/record.ts'
import { inRounds } from '../rounds.ts'
import { everyCluster } from './find.ts'
import { memberIn, readersOf, type DbClusterRecord, type Member } from './record.ts'
import { LagTrace } from './replica-lag.ts'
import { streamsFromWriter } from './sight.ts'
import { nextDelay, type Throttled } from './throttle-delay.ts'

/** A target may be as short as a second. */
const LOOK_EVERY_MS = SECOND_MS

/** A slow moment of serve does not end what the next look renews. */
export const LEASE_MS = 10 * SECOND_MS

type Seeing = Pick<Control, 'store' | 'hosts' | 'endpoints' | 'clock'>

/** Looks again and again until it is stopped. */
export const controlFlows = (control: Seeing, log: Log): { stop(): void } =>
  inRounds({
    clock: control.clock,
    log,
    everyMs: LOOK_EVERY_MS,
    what: 'look at DB clusters',
    list: async function* () {
      for await (const { value } of everyCluster(control)) yield value
    },
    keyOf: ({ resourceId }) => resourceId,
    watcher: (isOver) => {
      const valve = new Valve(control, log, isOver)
      return (cluster) => valve.turn(cluster)
    },
  })

/** Of one cluster. */
class Valve {
  private readonly control: Seeing
  private readonly log: Log
  private writer: Member | undefined
  private trace = new LagTrace()
  private last: Throttled = { delayMs: 0, lagMs: 0 }
  private readonly isOver: () => boolean

  constructor(control: Seeing, log: Log, isOver: () => boolean) {
    this.control = control
    this.log = log
    this.isOver = isOver
  }

  async turn(cluster: DbClusterRecord): Promise<void> {
    const writer = memberIn(cluster, cluster.writer)
    if (writer.resourceId !== this.writer?.resourceId) {
      await this.hold(cluster, { delayMs: 0, lagMs: 0 })
      this.writer = writer
      this.trace = new LagTrace()
    }
    const lagMs = await this.lagOf(cluster, writer)
    const targetMs = await this.targetMs(cluster, writer)
    await this.hold(cluster, { delayMs: nextDelay(this.last, { lagMs, targetMs }), lagMs })
  }

  /** By the parameter group that the writer runs with; Infinity: flow control is off. */
  private async targetMs(cluster: DbClusterRecord, writer: Member): Promise<number> {
    const held = await dbInstances(this.control, cluster).get(writer.id)
    if (!held) return Infinity
    const group = await requireParameterGroup(this.control, cluster, appliedGroupOf(held.value))
    const seconds = targetLagSeconds(group.family, valuesSince(group, held.value.parametersAsOf))
    return (seconds ?? Infinity) * SECOND_MS
  }

  /** Of the reader that is furthest behind, of those that stream. One that is away, or is made anew, holds nobody up. */
  private async lagOf(cluster: DbClusterRecord, writer: Member): Promise<number> {
    const readers = readersOf(cluster).filter((member) => streamsFromWriter(this.control, cluster, member))
    if (cluster.phase !== 'available' || readers.length === 0) return 0
    const { flushedLsn, role } = await this.position(writer)
    if (role !== 'primary') return 0
    const at = this.control.clock.monotonic()
    this.trace.note(at, parseLsn(flushedLsn))
    const seen = await Promise.all(readers.map((reader) => this.position(reader).catch(() => undefined)))
    const replayed = seen.flatMap((position) => (position?.role === 'standby' ? [parseLsn(position.replayedLsn)] : []))
    if (replayed.length === 0) return 0
    const least = replayed.reduce((one, other) => (other < one ? other : one))
    const lagMs = this.trace.lagMs(at, least)
    if (replayed.length === readers.length) this.trace.forget(least)
    return lagMs
  }

  /** Nobody is started to be asked: what ends with serve must stay ended. */
  private async position({ zone, resourceId }: Member): Promise<Questions['instance.position']['answer']> {
    if (this.isOver() || !this.control.hosts.isConnected(zone)) throw new Error(`the host ${zone} is not there`)
    return this.control.hosts.ask(zone, 'instance.position', { id: resourceId })
  }

  /** Both ways to the writer: by the cluster's endpoint, and by its own. */
  private async hold(cluster: DbClusterRecord, next: Throttled): Promise<void> {
    const { writer, last } = this
    this.last = next
    if (!writer || (next.delayMs === 0 && last.delayMs === 0)) return
    if ((next.delayMs === 0) !== (last.delayMs === 0))
      this.log.info(
        { cluster: cluster.id, writer: writer.id, lagMs: next.lagMs },
        next.delayMs > 0 ? 'a reader is too far behind: writing is slowed down' : 'writing is no longer slowed down',
      )
    const { endpoints } = this.control
    const routes = [cluster.resourceId, writer.resourceId].filter((id) => !this.isOver() && endpoints.observed(id))
    await Promise.all(routes.map((id) => endpoints.throttle(id, next.delayMs, LEASE_MS)))
  }
}
