/** What is said of the start of a writer of an Aurora cluster. */
import { NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import { withPause } from '../db-instance/pause.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { replaceMember, type AuroraInput, type HeldAurora } from './aurora-context.ts'
import { instanceEvent, type FlowContext } from './context.ts'
import { clusterEvent } from './db-cluster-context.ts'

export interface WriterInput extends AuroraInput {
  readonly why:
    | 'create'
    | 'start'
    | 'failover'
    | 'reboot'
    | 'modify'
    | 'recover'
    | 'delete'
    | 'resume'
    | 'promote'
    | 'backtrack'
  /** What happened to the writer, for the event. */
  readonly because: string
  /** Resource id of the instance that is to write; absent, or gone by then: whoever is first by the rules. */
  readonly target?: string
  /** The backtrack that is over when the cluster serves. */
  readonly backtrack?: string
}
export type WriterContext = FlowContext<WriterInput>

type C = WriterContext

/** Whoever leads is not paused any more, whatever it was started for. */
export function awaken(c: C, held: Held<DbInstanceRecord> | undefined): Mutation {
  if (!held?.value.aurora?.pause) return NOTHING
  return together(
    replaceMember(c.control, held, withPause(held.value, undefined)),
    instanceEvent(c.control, held.value, 'RDS-EVENT-0374'),
  )
}

/** Whoever waited for it has been turned away by now. */
export function notResumed(c: C, { cluster, members }: HeldAurora): Mutation {
  const writer = members.get(cluster.writer ?? '')?.value
  const text = `The DB instance could not be resumed: ${c.lastError ?? 'it did not come up in time'}. It is tried again.`
  return writer ? instanceEvent(c.control, writer, 'RDS-EVENT-0044', text) : NOTHING
}

export const startedEvent = (
  c: C,
  { cluster, members }: HeldAurora,
  target: DbInstanceRecord,
): ReturnType<typeof clusterEvent> => {
  const old = members.get(cluster.writer ?? '')?.value
  const isSameZone = old?.zone === target.zone
  const text = `Started ${isSameZone ? 'same' : 'cross'} AZ failover to DB instance: ${target.id}. ${c.input.because}`
  return clusterEvent(c.control, cluster, isSameZone ? 'RDS-EVENT-0072' : 'RDS-EVENT-0073', text)
}

export const completedEvent = (
  c: C,
  { cluster }: HeldAurora,
  writer: DbInstanceRecord,
): ReturnType<typeof clusterEvent> => {
  if (c.input.why === 'start') return clusterEvent(c.control, cluster, 'RDS-EVENT-0151')
  if (cluster.phase !== 'failing-over') return NOTHING
  return clusterEvent(c.control, cluster, 'RDS-EVENT-0071', `Completed failover to DB instance: ${writer.id}`)
}
