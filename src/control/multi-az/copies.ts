/** The two copies of a Multi-AZ instance: what each is told to be, and what is seen of them. */
import { assert } from '#base/assert.ts'
import type { ObservedInstance } from '#wire/agent/messages.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord, Standby } from '../db-instance/record.ts'

/** Under which a standby streams. Another in its place has another name, so that nobody is taken for it. */
export const followerName = (zone: string): string => `s_${zone}`

/** Whether the primary keeps log for the standby and lets it in. */
export const isFollowed = ({ standby }: DbInstanceRecord): boolean =>
  standby !== undefined && standby.state !== 'missing' && standby.state !== 'leaving'

/** Whether commits are to wait for the standby. From `joining` on: it becomes `in-sync` once they do. */
export const isAwaited = ({ standby }: DbInstanceRecord): boolean =>
  standby?.state === 'joining' || standby?.state === 'in-sync'

/** The record with its standby in another state. What agents were told before is void. */
export function withStandby(record: DbInstanceRecord, standby: Standby | undefined): DbInstanceRecord {
  const { standby: _before, ...rest } = record
  return { ...rest, generation: (record.generation ?? 0) + 1, ...(standby && { standby }) }
}

/** The record after its standby has taken over. An old primary that ended in order may come back as it is. */
export function swapped(record: DbInstanceRecord, endedInOrder: boolean, now: number): DbInstanceRecord {
  const { standby, copyPorts } = record
  assert(standby && copyPorts, 'only an instance with a standby fails over')
  return {
    ...withStandby(record, { zone: record.zone, state: endedInOrder ? 'returning' : 'missing' }),
    zone: standby.zone,
    copyPorts: { ...copyPorts, isDirect: false },
    failedOverAt: now,
  }
}

export const primarySeen = (control: Pick<Control, 'hosts'>, record: DbInstanceRecord): ObservedInstance | undefined =>
  control.hosts.observed(record.zone, record.resourceId)

export const standbySeen = (control: Pick<Control, 'hosts'>, record: DbInstanceRecord): ObservedInstance | undefined =>
  record.standby && control.hosts.observed(record.standby.zone, record.resourceId)

/** The standby receives the primary's log, by both their words. */
export function isStreaming(control: Pick<Control, 'hosts'>, record: DbInstanceRecord): boolean {
  const [primary, standby] = [primarySeen(control, record)?.replication, standbySeen(control, record)?.replication]
  const name = record.standby && followerName(record.standby.zone)
  return (
    standby?.role === 'standby' &&
    standby.isStreaming &&
    primary?.role === 'primary' &&
    primary.followers.some((follower) => follower.name === name && follower.state === 'streaming')
  )
}

/** There is a synchronous standby in another zone, and it streams now. */
export function isRedundant(control: Pick<Control, 'hosts'>, record: DbInstanceRecord): boolean {
  return record.standby?.state === 'in-sync' && isStreaming(control, record)
}

/** Why the primary's engine cannot serve, by more than one witness; undefined: it does, or nobody can tell. */
export function lossOfPrimary(control: Pick<Control, 'hosts'>, record: DbInstanceRecord): string | undefined {
  const { hosts } = control
  const primary = primarySeen(control, record)
  const standby = standbySeen(control, record)?.replication
  const isMissed = standby?.role === 'standby' && !standby.sourceAnswers
  if (!hosts.isConnected(record.zone)) return isMissed ? 'The host of the primary does not answer.' : undefined
  if (!primary) return undefined
  if (primary.state === 'stopped' || primary.state === 'failed')
    return primary.lastError?.message ?? 'The engine of the primary does not run.'
  return primary.isSilent && isMissed ? 'The engine of the primary does not answer.' : undefined
}
