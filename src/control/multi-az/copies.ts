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

/** Its engine has the endpoint's port, though it has a standby: nobody reads what it says of commits. */
export const isUnguarded = ({ standby, copyPorts }: DbInstanceRecord): boolean =>
  standby !== undefined && copyPorts?.isDirect === true

/** The record once the engine has left the endpoint's port to a gateway, or has it again. */
export function withGateway(record: DbInstanceRecord, isDirect: boolean): DbInstanceRecord {
  const { standby, copyPorts } = record
  assert(standby && copyPorts, 'only an instance with a standby has a gateway')
  return { ...withStandby(record, standby), copyPorts: { ...copyPorts, isDirect } }
}

/** Where one copy's engine is. */
export interface Copy {
  readonly zone: string
  readonly resourceId: string
}

const standbyOf = ({ standby, resourceId }: DbInstanceRecord): Copy | undefined =>
  standby && { zone: standby.zone, resourceId }

type Seeing = Pick<Control, 'hosts'>

export const copySeen = ({ hosts }: Seeing, { zone, resourceId }: Copy): ObservedInstance | undefined =>
  hosts.observed(zone, resourceId)

export const primarySeen = (control: Seeing, record: DbInstanceRecord): ObservedInstance | undefined =>
  copySeen(control, record)

export function standbySeen(control: Seeing, record: DbInstanceRecord): ObservedInstance | undefined {
  const standby = standbyOf(record)
  return standby && copySeen(control, standby)
}

/** The standby receives the primary's log, by both their words. */
export function streamsFrom(control: Seeing, primary: Copy, standby: Copy): boolean {
  const [source, follower] = [copySeen(control, primary)?.replication, copySeen(control, standby)?.replication]
  return (
    follower?.role === 'standby' &&
    follower.isStreaming &&
    source?.role === 'primary' &&
    source.followers.some(({ name, state }) => name === followerName(standby.zone) && state === 'streaming')
  )
}

export function isStreaming(control: Seeing, record: DbInstanceRecord): boolean {
  const standby = standbyOf(record)
  return standby !== undefined && streamsFrom(control, record, standby)
}

/** There is a synchronous standby in another zone, and it streams now. */
export function isRedundant(control: Seeing, record: DbInstanceRecord): boolean {
  return record.standby?.state === 'in-sync' && isStreaming(control, record)
}

/** Why the primary's engine cannot serve, by more than one witness; undefined: it does, or nobody can tell. */
export function lossOf(control: Seeing, primary: Copy, standbys: readonly Copy[]): string | undefined {
  const seen = copySeen(control, primary)
  const witnesses = standbys.map((standby) => copySeen(control, standby)?.replication)
  const words = witnesses.filter((witness) => witness?.role === 'standby')
  // Whoever hears it is right, whatever the others say.
  const isMissed = words.length > 0 && words.every(({ sourceAnswers }) => !sourceAnswers)
  if (!control.hosts.isConnected(primary.zone)) return isMissed ? 'The host of the primary does not answer.' : undefined
  if (!seen) return undefined
  if (seen.state === 'stopped' || seen.state === 'failed')
    return seen.lastError?.message ?? 'The engine of the primary does not run.'
  if (seen.isSilent && isMissed) return 'The engine of the primary does not answer.'
  return isShutOut(seen) && standbys.some((standby) => !isOnFullDisk(copySeen(control, standby)))
    ? 'The engine of the primary lets nobody in: the disk of its host is full.'
    : undefined
}

const isOnFullDisk = (seen: ObservedInstance | undefined): boolean =>
  seen?.storage?.level === 'full' && seen.storage.limit === 'host'

/**
 * After a crash on a disk without a byte left PostgreSQL comes up and answers, and no session can begin, since it cannot
 * write its init file: a standby that asks takes it for one that serves.
 */
const isShutOut = (seen: ObservedInstance): boolean => seen.isSilent === true && isOnFullDisk(seen)

export function lossOfPrimary(control: Seeing, record: DbInstanceRecord): string | undefined {
  const standby = standbyOf(record)
  return lossOf(control, record, standby ? [standby] : [])
}
