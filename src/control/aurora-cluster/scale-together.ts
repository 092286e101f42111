/**
 * Serverless readers of the promotion tiers 0 and 1 are as large as the writer, so that they can take over; those of
 * other tiers go by their own load. AWS: Aurora user guide, "How Aurora Serverless v2 works", Scaling.
 *
 * What a reader is told is a lease that every look renews: without serve each goes by its own load.
 */
import { SECOND_MS } from '#base/durations.ts'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/trouble.ts'
import { ACU_MEMORY_BYTES } from '#catalog/serverless.ts'
import type { Timer } from '#host/clock.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { isServerless, sizeOf } from '../db-instance/size.ts'
import { everyAuroraCluster, memberRecords } from './find.ts'
import { isWriter, type AuroraClusterRecord, type AuroraMemberRecords } from './record.ts'

/** As often as agents look at the load. */
const LOOK_EVERY_MS = 5 * SECOND_MS
const LEASE_MS = 30 * SECOND_MS

/** The last tier whose readers go with the writer. */
const TIER_MAX = 1

type Seeing = Pick<Control, 'store' | 'hosts' | 'clock'>

/** Whether its capacity, and its pauses, are the writer's. */
export const goesWithWriter = (cluster: AuroraClusterRecord, record: DbInstanceRecord): boolean =>
  isWriter(cluster, record) || record.aurora!.promotionTier <= TIER_MAX

export interface Floor {
  readonly record: DbInstanceRecord
  readonly acu: number
}

/** The capacity that readers are to have at least. A provisioned writer is as large as its class. */
export function floorsOf(
  hosts: Pick<Control['hosts'], 'observed'>,
  cluster: AuroraClusterRecord,
  records: AuroraMemberRecords,
): Floor[] {
  const writer = records.get(cluster.writer ?? '')?.value
  if (!writer) return []
  const acu = isServerless(writer.settings)
    ? hosts.observed(writer.zone, writer.resourceId)?.acu
    : sizeOf(writer.settings).memoryBytes / ACU_MEMORY_BYTES
  if (acu === undefined) return []
  return [...records.values()]
    .map(({ value }) => value)
    .filter((record) => record !== writer && isServerless(record.settings) && goesWithWriter(cluster, record))
    .map((record) => ({ record, acu }))
}

/** Looks again and again until it is stopped. */
export function scaleTogether(control: Seeing, log: Log): { stop(): void } {
  let timer: Timer | undefined
  let stopped = false
  let wasFailing = false
  const round = async (): Promise<void> => {
    try {
      for (const cluster of await everyAuroraCluster(control)) {
        if (!cluster.shared.serverlessScaling) continue
        for (const floor of floorsOf(control.hosts, cluster, await memberRecords(control, cluster)))
          if (!stopped) await tell(control, floor)
      }
      wasFailing = false
    } catch (error) {
      // An agent that has just gone: the next look is soon.
      if (!wasFailing && !stopped) log.warn({ error }, `scale readers with their writers: ${messageOf(error)}`)
      wasFailing = true
    }
  }
  const begin = (): void =>
    void round().then(() => {
      if (!stopped) timer = control.clock.after(LOOK_EVERY_MS, begin)
    })
  begin()
  return {
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}

/** Nobody is started to be told. */
async function tell({ hosts }: Seeing, { record: { zone, resourceId }, acu }: Floor): Promise<void> {
  if (!hosts.isConnected(zone) || !hosts.observed(zone, resourceId)?.accepting) return
  await hosts.ask(zone, 'instance.capacity-floor', { id: resourceId, acu, forMs: LEASE_MS })
}
