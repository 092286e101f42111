/**
 * Copies of a volume in other regions: which zone's log node relays the log, in the name of which epoch, and what it is told.
 *
 *     ┌────────► copy of another volume ──takeRelay, moved or fenced──┐
 *  follow                  │         ▲────────────────────────────────┘
 *     │                unfollow
 *     └─── a volume of its own ◄┘
 */
import { assert } from '#base/assert.ts'
import type { ObservedRelay, RelayTerms } from '#wire/lognode/messages.ts'
import type { Epoch } from '#wire/quorum/messages.ts'
import type { Control } from '../control.ts'
import { headTlsOf } from './head-certificate.ts'
import { membersOf } from './configuration.ts'
import { doorsOf, feedPassword, feedsFor, requireLogNodes } from './log-nodes.ts'
import type { RelayRecord, VolumeRecord } from './record.ts'
import { configurationOf, placesOf } from './terms.ts'

type Source = Pick<RelayRecord, 'source' | 'zone' | 'release'>

/** The row of a volume that is to be a copy of another one. Whoever wrote it, or relayed, is over. */
export function follow(volume: VolumeRecord, { source, zone, release }: Source): VolumeRecord {
  const epoch = volume.epoch + 1
  const relay = { source, zone, epoch, ...(release !== undefined && { release }) }
  return { ...volume, epoch, writer: undefined, relay, relaysToEnd: toEnd(volume, zone) }
}

/** The row when another relay is to begin, in this zone: the one of before is over. */
export function takeRelay(volume: VolumeRecord, zone: string): VolumeRecord {
  assert(volume.relay, 'it is a copy of another volume')
  return follow(volume, { ...volume.relay, zone })
}

/**
 * The row of a volume that is a copy no more, and may be written. Its writers' epochs are timelines of one history with those
 * of the volumes that it was a copy of, so `above` any epoch that was taken in one of these.
 */
export function unfollow({ relay, ...volume }: VolumeRecord, above: Epoch): VolumeRecord {
  assert(relay, 'it is a copy of another volume')
  const relaysToEnd = toEnd({ ...volume, relay }, undefined)
  return { ...volume, epoch: Math.max(volume.epoch, above) + 1, writer: undefined, relaysToEnd }
}

/**
 * The row of a copy whose log is no part of its source's any more: six others, which have nothing but the image, take the place
 * of its members.
 */
export function renewCopies(volume: VolumeRecord): VolumeRecord {
  assert(volume.relay, 'it is a copy of another volume')
  const { members, generation, lastNumber } = volume.configuration
  const renamed = members.map(({ zone }, at) => {
    const before = members.slice(0, at).filter((member) => member.zone === zone).length
    return { id: `${zone}${lastNumber + 1 + before}`, zone }
  })
  return {
    ...takeRelay(volume, volume.relay.zone),
    configuration: { generation: generation + 1, members: renamed, lastNumber: lastNumber + members.length },
    formerMembers: [...(volume.formerMembers ?? []), ...membersOf(volume.configuration)],
  }
}

/** The row once the zone's log node has no relay of it any more. */
export function withoutOldRelay({ relaysToEnd = [], ...volume }: VolumeRecord, zone: string): VolumeRecord {
  const left = relaysToEnd.filter((one) => one !== zone)
  return { ...volume, ...(left.length > 0 && { relaysToEnd: left }) }
}

function toEnd({ relay, relaysToEnd = [] }: VolumeRecord, zone: string | undefined): string[] {
  return [...new Set([...relaysToEnd, ...(relay ? [relay.zone] : [])])].filter((one) => one !== zone)
}

/** Under which the feeds of the source know it. */
export const relayName = (volumeId: string): string => `relay_${volumeId.slice(-12).toLowerCase()}`

/** Of a volume that is a copy. `region`: its own. */
export async function relayTerms(control: Control, volume: VolumeRecord, region: string): Promise<RelayTerms> {
  const { relay, seed } = volume
  assert(relay && seed, 'a copy begins with what its source began with')
  const nodes = await requireLogNodes(control, control.hosts.zones)
  const { source, zone, epoch, release } = relay
  return {
    volume: volume.id,
    epoch,
    configuration: configurationOf(volume),
    places: placesOf(volume, doorsOf(nodes)),
    tls: headTlsOf(control, volume),
    systemId: seed.systemId,
    begin: seed.start,
    source: {
      volume: source.resourceId,
      feeds: feedsFor(zone, nodes),
      password: feedPassword(control, source.resourceId),
      caPem: nodes[0]!.certificate.caPem,
      name: relayName(volume.id),
      delayMs: source.region === region ? 0 : control.regionLatencyMs,
    },
    ...(release !== undefined && { release }),
  }
}

/** What its log node says of the volume's relay; undefined: nothing of the one that should be there, or it cannot be asked. */
export async function observedRelay(
  { hosts }: Pick<Control, 'hosts'>,
  { id, relay }: VolumeRecord,
): Promise<ObservedRelay | undefined> {
  if (!relay || !hosts.isConnected(relay.zone)) return undefined
  const { observed } = await hosts.ask(relay.zone, 'lognode.look', { volume: id })
  return observed?.relays.find(({ volume, epoch }) => volume === id && epoch === relay.epoch)
}

/** It has all that the source had by its last word. */
export const hasAll = ({ phase, durable, sourceEnd }: ObservedRelay): boolean =>
  phase === 'following' && sourceEnd !== undefined && durable >= sourceEnd
