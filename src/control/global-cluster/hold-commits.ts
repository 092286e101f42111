/**
 * `rds.global_db_rpo`: who writes in the primary of a global database is told of no commit while every secondary is further
 * behind than that. AWS: Aurora user guide, "Managing RPOs for Aurora PostgreSQL-based global databases".
 *
 * The log itself flows on, so that a secondary can catch up. The order is a lease that every look renews, so that the end of
 * serve holds nobody. docs/adr/2026-11-27-global-rpo.md
 */
import { DAY_MS, SECOND_MS } from '#base/durations.ts'
import type { Log } from '#base/log.ts'
import { GLOBAL_RPO } from '#catalog/rds-parameters.ts'
import type { Control } from '../control.ts'
import { isSecondary, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { auroraRounds } from '../aurora-cluster/rounds.ts'
import { routesToWriter } from '../aurora-cluster/routes.ts'
import { LEASE_MS } from '../db-cluster/flow-control.ts'
import type { ClusterKey } from '../db-instance/record.ts'
import { findByKey } from '../db-instance/record.ts'
import { requireParameterGroup, valuesSince } from '../parameter-group/record.ts'
import { volumes } from '../volume/record.ts'
import { observedRelay } from '../volume/relays.ts'
import { globalOf } from './record.ts'

const LOOK_EVERY_MS = SECOND_MS

/** Longer than any client waits. */
const HOLD_MS = 7 * DAY_MS

type Seeing = Pick<Control, 'store' | 'hosts' | 'endpoints' | 'clock'>

/** Looks again and again until it is stopped. */
export const holdCommits = (control: Seeing, log: Log): { stop(): void } =>
  auroraRounds(control, log, {
    everyMs: LOOK_EVERY_MS,
    what: 'look at the primaries of global databases',
    isWatched: (cluster) => cluster.global !== undefined && !isSecondary(cluster),
    watcher: (isOver) => {
      const valve = new Valve(control, log, isOver)
      return (cluster) => valve.turn(cluster)
    },
  })

/** Of one primary. */
class Valve {
  private readonly control: Seeing
  private readonly log: Log
  private readonly isOver: () => boolean
  private isHeld = false
  /** All that was durable at the primary at this time is durable in the secondary, by resource id. */
  private readonly asOf = new Map<string, number>()

  constructor(control: Seeing, log: Log, isOver: () => boolean) {
    this.control = control
    this.log = log
    this.isOver = isOver
  }

  async turn(cluster: AuroraClusterRecord): Promise<void> {
    const rpoMs = await this.rpoMs(cluster)
    const global = rpoMs === undefined ? undefined : (await globalOf(this.control, cluster))?.value
    // A switchover ends the writer in order and brings all of its log; a failover is not to wait for what is gone.
    const secondaries = !global || global.switch ? [] : global.secondaries
    const behindMs = secondaries.length === 0 ? 0 : await this.leastBehindMs(secondaries)
    await this.hold(cluster, { isToHold: rpoMs !== undefined && behindMs > rpoMs, behindMs })
  }

  /** By the parameter group that the writer runs with; undefined: nobody asks for it. */
  private async rpoMs(cluster: AuroraClusterRecord): Promise<number | undefined> {
    const writer = cluster.members.find(({ resourceId }) => resourceId === cluster.writer)
    const held = writer && (await findByKey(this.control, { ...cluster, resourceId: writer.resourceId }))
    const name = held?.value.aurora?.appliedClusterGroup
    if (!held || name === undefined) return undefined
    const group = await requireParameterGroup(this.control, cluster, { kind: 'cluster', name })
    const seconds = valuesSince(group, held.value.parametersAsOf)[GLOBAL_RPO]
    return seconds === undefined ? undefined : Number(seconds) * SECOND_MS
  }

  /**
   * Of the secondary that is behind least. One that cannot be asked has what it had; one of which nothing is known yet, as
   * after a start of serve, counts from then on.
   */
  private async leastBehindMs(secondaries: readonly ClusterKey[]): Promise<number> {
    const now = this.control.clock.now()
    for (const id of this.asOf.keys())
      if (!secondaries.some(({ resourceId }) => resourceId === id)) this.asOf.delete(id)
    const behind = await Promise.all(
      secondaries.map(async (key) => {
        const volume = await volumes(this.control, key).get(key.resourceId)
        const relay = volume && (await observedRelay(this.control, volume.value).catch(() => undefined))
        const asOf = relay?.asOfMs ?? this.asOf.get(key.resourceId) ?? now
        this.asOf.set(key.resourceId, asOf)
        return now - asOf
      }),
    )
    return Math.min(...behind)
  }

  private async hold(cluster: AuroraClusterRecord, { isToHold, behindMs }: Order): Promise<void> {
    if ((!isToHold && !this.isHeld) || this.isOver()) return
    if (isToHold !== this.isHeld)
      this.log.info(
        { cluster: cluster.id, behindMs },
        isToHold ? 'every secondary is too far behind: commits are held' : 'commits are no longer held',
      )
    const { endpoints } = this.control
    const routes = (await routesToWriter(this.control, cluster)).filter((id) => endpoints.observed(id))
    await Promise.all(routes.map((id) => endpoints.throttle(id, isToHold ? HOLD_MS : 0, LEASE_MS)))
    this.isHeld = isToHold
  }
}

interface Order {
  readonly isToHold: boolean
  /** For the log. */
  readonly behindMs: number
}
