/** What a failover loses: log of the old primary that the new one did not have when it was promoted. */
import type { Control } from '../control.ts'
import type { ClusterKey } from '../db-instance/record.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { membersOf } from '../volume/configuration.ts'
import { observedRelay } from '../volume/relays.ts'
import type { ObservedMember } from '#wire/lognode/messages.ts'
import type { Position } from '#wire/quorum/messages.ts'

/** As it was known just before the promotion. */
export interface Loss {
  /** Where the log ended that four members of the old primary's volume have; undefined: they could not be asked. */
  readonly sourceEnd: Position | undefined
  /** All that was acknowledged before this time is in the new primary; undefined: that was never known. */
  readonly asOfMs: number | undefined
  readonly atMs: number
}

/** Copies that a commit was on before it was acknowledged. */
const WRITE = 4

interface Rows {
  readonly from: VolumeRecord | undefined
  readonly to: VolumeRecord
}

export async function measureLoss(control: Control, { from, to }: Rows): Promise<Loss> {
  const relay = await observedRelay(control, to).catch(() => undefined)
  const ends = from ? (await openMembers(control, from)).map(({ end }) => end) : []
  return {
    sourceEnd: ends.sort((a, b) => b - a)[WRITE - 1],
    asOfMs: relay?.asOfMs,
    atMs: control.clock.now(),
  }
}

/**
 * Bytes of log that the new primary, which writes by now, does not have: where its epoch begins all that it has of the old
 * one's log ends. Undefined: that is not known, or not yet. Its copies tell a little later.
 */
export async function bytesLost(control: Control, key: ClusterKey, { sourceEnd }: Loss): Promise<number | undefined> {
  const volume = (await volumes(control, key).get(key.resourceId))?.value
  if (!volume || sourceEnd === undefined) return undefined
  const members = await openMembers(control, volume)
  const starts = members.flatMap(({ history }) => history.filter(({ epoch }) => epoch === volume.epoch))
  return starts[0] && Math.max(0, sourceEnd - starts[0].start)
}

/** For the event. */
export function lossText({ sourceEnd, asOfMs, atMs }: Loss, bytes: number | undefined): string {
  const seconds = asOfMs === undefined ? 'an unknown time' : `${((atMs - asOfMs) / 1000).toFixed(1)} seconds`
  if (bytes !== undefined) return `At most ${bytes} bytes of log were lost, of what was written in the last ${seconds}`
  const silent = sourceEnd === undefined ? 'old' : 'new'
  return `How much was lost is not known: the ${silent} primary could not be asked. What was written in the last ${seconds} may be lost`
}

async function openMembers(control: Control, volume: VolumeRecord): Promise<Open[]> {
  const zones = new Set(membersOf(volume.configuration).map(({ zone }) => zone))
  const found: Open[] = []
  for (const zone of zones) {
    if (!control.hosts.isConnected(zone)) continue
    const { observed } = await control.hosts
      .ask(zone, 'lognode.look', { volume: volume.id })
      .catch(() => ({ observed: undefined }))
    for (const member of observed?.members ?? [])
      if (member.volume === volume.id && member.state === 'open') found.push(member)
  }
  return found
}

type Open = Extract<ObservedMember, { state: 'open' }>
