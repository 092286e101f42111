/**
 * Has serverless instances paused that nobody is connected to, and woken when somebody comes. How long an instance has
 * been idle is known here alone, and counts from when this process first saw it so: after a restart of serve, anew.
 */
import { SECOND_MS } from '#base/durations.ts'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/trouble.ts'
import type { Timer } from '#host/clock.ts'
import { together } from '#store/collection.ts'
import { commit, type Control } from '../control.ts'
import { keyOf, subjectOf, type ClusterKey } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { instanceEvent } from '../flows/context.ts'
import { activityOf, routeIdsOf, sleepersIn, wantedIn } from './activity.ts'
import { everyAuroraCluster, memberRecords } from './find.ts'
import { mayPause, mustWake } from './pause-rules.ts'
import {
  auroraKeyOf,
  auroraSubjectOf,
  findAuroraCluster,
  type AuroraClusterRecord,
  type AuroraMemberRecords,
} from './record.ts'

/** Where the seconds of pauses pass faster, looks are more frequent too, down to this. */
const LOOK_EVERY_MS = 5 * SECOND_MS
const LOOK_EVERY_MS_MIN = 500

/** Looks again and again, and whenever somebody waits, until it is stopped. */
export function watchIdleInstances(control: Control, log: Log): { stop(): void } {
  const watch = new Watch(control, log)
  // Nobody comes to simulated engines, so nobody would ever wake one.
  if (control.simulated) return watch
  control.endpoints.onReport(({ id, waiting }) => {
    if (waiting > 0) watch.comeTo(id)
  })
  watch.begin()
  return watch
}

interface Idle {
  visits: number
  sinceMs: number
}

export class Watch {
  private readonly control: Control
  private readonly log: Log
  /** By resource id. */
  private readonly idle = new Map<string, Idle>()
  /** By gateway, as of the last round. */
  private owners = new Map<string, ClusterKey>()
  private readonly looking = new Map<string, { again: boolean }>()
  private timer: Timer | undefined
  private stopped = false
  private wasFailing = false

  constructor(control: Control, log: Log) {
    this.control = control
    this.log = log
  }

  begin(): void {
    const everyMs = Math.max(LOOK_EVERY_MS_MIN, LOOK_EVERY_MS / this.control.pauseSpeed)
    void this.round().then(() => {
      if (!this.stopped) this.timer = this.control.clock.after(everyMs, () => this.begin())
    })
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
  }

  /** Somebody waits at this gateway. One that is not known yet is seen by the next round. */
  comeTo(routeId: string): void {
    const owner = this.owners.get(routeId)
    if (owner && !this.stopped) this.look(owner)
  }

  async round(): Promise<void> {
    try {
      const owners = new Map<string, ClusterKey>()
      for (const cluster of await everyAuroraCluster(this.control)) {
        if (!cluster.shared.serverlessScaling) continue
        const key = auroraKeyOf(cluster)
        for (const id of routeIdsOf(cluster)) owners.set(id, key)
        this.look(key)
      }
      this.owners = owners
      for (const id of this.idle.keys()) if (!owners.has(id)) this.idle.delete(id)
      this.wasFailing = false
    } catch (error) {
      if (!this.wasFailing && !this.stopped) this.log.warn({ error }, `look at idle instances: ${messageOf(error)}`)
      this.wasFailing = true
    }
  }

  private look(key: ClusterKey): void {
    const underWay = this.looking.get(key.resourceId)
    if (underWay) {
      underWay.again = true
      return
    }
    const look = { again: false }
    this.looking.set(key.resourceId, look)
    void this.turn(key)
      .catch((error: unknown) => this.log.warn({ error, cluster: key.id }, `pause or wake: ${messageOf(error)}`))
      .finally(() => {
        this.looking.delete(key.resourceId)
        if (look.again && !this.stopped) this.look(key)
      })
  }

  private async turn(key: ClusterKey): Promise<void> {
    const cluster = (await findAuroraCluster(this.control, key))?.value
    // While it is stopped nobody is woken. AWS: "How auto-pause works with the cluster stop/start feature".
    if (!cluster || cluster.phase !== 'available') return
    const records = await memberRecords(this.control, cluster)
    if (await this.wake(cluster, records)) return
    const after = cluster.shared.serverlessScaling?.secondsUntilAutoPause
    if (after === undefined || !cluster.isOpen) return
    const members = sleepersIn(cluster, records).map((member) => ({
      ...member,
      idleMs: this.idleMs(cluster, records, member.resourceId),
    }))
    const { group, readers } = mayPause(members, (after * SECOND_MS) / this.control.pauseSpeed)
    for (const id of readers) await this.pause(cluster, subjectOf(keyOf(records.get(id)!.value)), [id])
    if (group.length > 0 && !(await this.isReplicating(cluster, records)))
      await this.pause(cluster, auroraSubjectOf(key), group)
  }

  /** How long nobody has been there. What is not known is no idleness. */
  private idleMs(cluster: AuroraClusterRecord, records: AuroraMemberRecords, resourceId: string): number {
    const now = this.control.clock.monotonic()
    const record = records.get(resourceId)!.value
    const seen = activityOf(this.control, cluster, resourceId)
    const before = this.idle.get(resourceId)
    const isSettled = record.phase === 'available' && !record.aurora?.pause
    if (before && seen && isSettled && seen.connections === 0 && seen.visits === before.visits)
      return now - before.sinceMs
    // The first look at one that is awake again is the first that counts.
    this.idle.set(resourceId, { visits: seen && isSettled ? seen.visits : -1, sinceMs: now })
    return 0
  }

  /** AWS: "Situations where Aurora Serverless v2 doesn't auto-pause": logical replication keeps the writer's group awake. */
  private async isReplicating(cluster: AuroraClusterRecord, records: AuroraMemberRecords): Promise<boolean> {
    const { settings } = await instanceSpec(this.control, records.get(cluster.writer!)!.value)
    return settings['wal_level'] === 'logical'
  }

  private async pause(cluster: AuroraClusterRecord, subject: string, ids: readonly string[]): Promise<void> {
    // Where that comes to nothing the time begins anew.
    for (const id of ids) this.idle.delete(id)
    if (await this.control.flows.of(subject)) return
    const { id, writes } = this.control.flows.start('pause-aurora-instances', subject, {
      key: auroraKeyOf(cluster),
      ids,
    })
    if ((await commit(this.control, writes)).committed) this.control.flows.wake(id)
  }

  /** Whether somebody has to be woken. */
  private async wake(cluster: AuroraClusterRecord, records: AuroraMemberRecords): Promise<boolean> {
    const sleepers = sleepersIn(cluster, records)
    if (!sleepers.some(({ isPaused }) => isPaused)) return false
    // A new password is given by a writer; and a range may not begin with nothing any more.
    const all =
      cluster.pendingVerifier !== undefined ||
      cluster.shared.serverlessScaling?.secondsUntilAutoPause === undefined ||
      sleepers.some((sleeper) => sleeper.isPaused && !sleeper.isServerless)
    const must = mustWake(sleepers, wantedIn(this.control, cluster, sleepers), all)
    if (must.writer) await this.wakeWriter(cluster)
    for (const id of must.readers) await this.wakeReader(records, id)
    return must.writer || must.readers.length > 0
  }

  private async wakeWriter(cluster: AuroraClusterRecord): Promise<void> {
    const key = auroraKeyOf(cluster)
    const subject = auroraSubjectOf(key)
    // It may be on its way already, or on its way to its pause, whose end is looked at again.
    const alive = await this.control.flows.of(subject)
    if (alive) return this.lookAfter(alive.id, key)
    const because = 'Somebody connects to the DB cluster.'
    // The same one as before, also where a reader is awake by now: that is no failover.
    const input = { key, why: 'resume', because, target: cluster.writer }
    const { id, writes } = this.control.flows.start('start-aurora-writer', subject, input)
    if (!(await commit(this.control, writes)).committed) return
    this.control.flows.wake(id)
    this.lookAfter(id, key)
  }

  private async wakeReader(records: AuroraMemberRecords, resourceId: string): Promise<void> {
    const { value } = records.get(resourceId)!
    const subject = subjectOf(keyOf(value))
    if (await this.control.flows.of(subject)) return
    const flow = this.control.flows.start('restart-aurora-reader', subject, { key: keyOf(value) })
    const writes = together(flow.writes, instanceEvent(this.control, value, 'RDS-EVENT-0373'))
    if ((await commit(this.control, writes)).committed) this.control.flows.wake(flow.id)
  }

  /** Readers that are waited for come after their writer. */
  private lookAfter(flowId: string, key: ClusterKey): void {
    void this.control.flows.ended(flowId).then(
      () => (this.stopped ? undefined : this.look(key)),
      () => {},
    )
  }
}
