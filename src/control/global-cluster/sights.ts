/**
 * What is seen of global databases, for whoever is asked about them by SQL: how far copies are behind, and readers. It is looked
 * at again only while somebody wants it, however many do.
 */
import { SECOND_MS } from '#base/durations.ts'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/trouble.ts'
import type { LogPosition } from '#wire/agent/replication.ts'
import type { GlobalClusterStatus, GlobalInstanceStatus, GlobalStatus, ReplicaStatus } from '#wire/agent/volume.ts'
import type { ObservedRelay } from '#wire/lognode/messages.ts'
import { parseLsn } from '#wire/pg/lsn.ts'
import type { Position } from '#wire/quorum/messages.ts'
import { memberRecords } from '../aurora-cluster/find.ts'
import { isWriter, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { serves } from '../aurora-cluster/sight.ts'
import type { Control } from '../control.ts'
import { LagTrace } from '../db-cluster/replica-lag.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { volumes } from '../volume/record.ts'
import { observedRelay } from '../volume/relays.ts'
import { membersOfGlobal } from './find.ts'
import { findGlobalCluster, isSame } from './record.ts'

/** It is told as often, or not at all. */
const LOOK_EVERY_MS = 5 * SECOND_MS

type Seeing = Pick<Control, 'store' | 'hosts' | 'clock'>
type Seen = Pick<GlobalStatus, 'clusters' | 'instances'>

interface Sight {
  readonly global: GlobalSight
  /** When it was looked at last. */
  at: number
  isLooking: boolean
  seen?: Seen
}

export class GlobalSights {
  private readonly control: Seeing
  private readonly log: Log
  /** What instances are called in each other's answers, by resource id. */
  private readonly known: ReadonlyMap<string, ReplicaStatus>
  private readonly sights = new Map<string, Sight>()

  constructor(control: Seeing, log: Log, known: ReadonlyMap<string, ReplicaStatus>) {
    this.control = control
    this.log = log
    this.known = known
  }

  /** As of the last look; the next one begins when that is some time ago. Undefined: of none, or nothing was seen yet. */
  latest({ account, region, global }: AuroraClusterRecord): GlobalStatus | undefined {
    if (!global) return undefined
    const { resourceId } = global
    const now = this.control.clock.monotonic()
    for (const [id, { at }] of this.sights) if (now - at > 10 * LOOK_EVERY_MS) this.sights.delete(id)
    const sight = this.sights.get(resourceId) ?? {
      global: new GlobalSight(this.control, this.known),
      at: -Infinity,
      isLooking: false,
    }
    this.sights.set(resourceId, sight)
    if (!sight.isLooking && now - sight.at >= LOOK_EVERY_MS) {
      sight.at = now
      sight.isLooking = true
      void sight.global
        .look({ account, resourceId })
        .then((seen) => (sight.seen = seen))
        .catch((error: unknown) => this.log.debug({ error }, `look at a global database: ${messageOf(error)}`))
        .finally(() => (sight.isLooking = false))
    }
    return sight.seen && { region, ...sight.seen }
  }
}

interface Member {
  readonly cluster: AuroraClusterRecord
  /** Those that can be asked. */
  readonly here: readonly DbInstanceRecord[]
  readonly relay: ObservedRelay | undefined
}

/** Of one global database. */
class GlobalSight {
  private readonly control: Seeing
  private readonly known: ReadonlyMap<string, ReplicaStatus>
  private trace = new LagTrace()
  private traced: string | undefined

  constructor(control: Seeing, known: ReadonlyMap<string, ReplicaStatus>) {
    this.control = control
    this.known = known
  }

  async look(key: { readonly account: string; readonly resourceId: string }): Promise<Seen> {
    const global = (await findGlobalCluster(this.control, key))?.value
    const clusters = global ? (await membersOfGlobal(this.control, global)).map(({ value }) => value) : []
    const members = await Promise.all(clusters.map((cluster) => this.member(cluster)))
    const primary = members.find(({ cluster }) => global?.primary && isSame(global.primary, cluster))
    const end = primary && (await this.writtenBy(primary))
    // What is durable where it is written is what copies were told of it last.
    const ends = members.flatMap(({ relay }) => relay?.sourceEnd ?? [])
    const durable = ends.length === 0 ? undefined : Math.max(...ends)
    const rows = members.map((member) =>
      this.instanceRows(member, {
        durable: member === primary ? durable : member.relay?.durable,
        isTraced: end !== undefined,
      }),
    )
    return {
      clusters: members.map((member) =>
        member === primary
          ? { region: member.cluster.region, isPrimary: true, end: end ?? durable }
          : this.copyRow(member),
      ),
      instances: (await Promise.all(rows)).flat(),
    }
  }

  private async member(cluster: AuroraClusterRecord): Promise<Member> {
    const { hosts } = this.control
    const volume = await volumes(this.control, cluster).get(cluster.resourceId)
    const relay = volume && (await observedRelay(this.control, volume.value).catch(() => undefined))
    const records = [...(await memberRecords(this.control, cluster)).values()].map(({ value }) => value)
    const here = records.filter((record) => hosts.isConnected(record.zone) && serves(this.control, record))
    return { cluster, here, relay }
  }

  /** Where the writer's log ends; readers are compared with it. Undefined: nobody says. */
  private async writtenBy({ cluster, here }: Member): Promise<Position | undefined> {
    const writer = here.find((record) => isWriter(cluster, record))
    if (!writer) return undefined
    if (this.traced !== writer.resourceId) this.trace = new LagTrace()
    this.traced = writer.resourceId
    const position = await this.position(writer)
    if (position?.role !== 'primary') return undefined
    const end = parseLsn(position.flushedLsn)
    this.trace.note(this.control.clock.monotonic(), end)
    return Number(end)
  }

  private position({ zone, resourceId: id }: DbInstanceRecord): Promise<LogPosition | undefined> {
    return this.control.hosts.ask(zone, 'instance.position', { id }).catch(() => undefined)
  }

  private copyRow({ cluster: { region }, relay }: Member): GlobalClusterStatus {
    if (!relay) return { region, isPrimary: false }
    const seenAt = this.control.clock.now()
    const { copied: end, lagMs, asOfMs, xmin } = relay
    const behindMs = asOfMs === undefined ? undefined : Math.max(0, seenAt - asOfMs)
    return { region, isPrimary: false, end, lagMs, behindMs, xmin, seenAt }
  }

  private async instanceRows({ cluster, here }: Member, { durable, isTraced }: Known): Promise<GlobalInstanceStatus[]> {
    const rows = here.map(async (record) => {
      const sessionId = this.known.get(record.resourceId)?.sessionId
      if (sessionId === undefined) return []
      const row = {
        serverId: record.id,
        region: cluster.region,
        sessionId,
        isWriter: isWriter(cluster, record),
        durable,
      }
      const seen = row.isWriter ? undefined : await this.position(record)
      if (seen?.role !== 'standby') return [row]
      const lagMs = isTraced ? this.trace.lagMs(this.control.clock.monotonic(), parseLsn(seen.replayedLsn)) : undefined
      return [{ ...row, received: Number(parseLsn(seen.flushedLsn)), lagMs }]
    })
    return (await Promise.all(rows)).flat()
  }
}

interface Known {
  readonly durable: Position | undefined
  /** It was seen now where the writer's log ends. */
  readonly isTraced: boolean
}
