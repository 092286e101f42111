/** From where on the log of a volume is kept: whoever may still need some of it, by what is seen of them. Pure. */
import { GIB, MIB } from '#base/bytes.ts'
import type { ObservedMember } from '#wire/lognode/messages.ts'
import { segmentStart } from '#wire/pg/lsn.ts'
import type { Position } from '#wire/quorum/messages.ts'
import { membersOf, zonesOf } from './configuration.ts'
import type { VolumeImages } from './images.ts'
import type { PlacedMember, VolumeRecord } from './record.ts'
import { durableIn, type VolumeSight } from './sight.ts'

/**
 * Log that is kept for a copy whose log node is away, and nobody knows how far that copy is. One that lacks more when it is back
 * is replaced. About what a busy writer writes in an hour.
 */
export const LOG_FOR_AWAY_BYTES_MAX = 16 * GIB

export interface Needs {
  readonly images: VolumeImages
  readonly sights: readonly VolumeSight[]
}

/** Nothing before it is needed any more: the beginning of a segment. Undefined: there is nothing that could go. */
export function neededFrom(volume: VolumeRecord, { images, sights }: Needs): Position | undefined {
  const durable = durableIn(sights)
  const oldest = imagesNeedFrom(volume, images)
  if (durable === undefined || oldest === undefined) return undefined
  const members = membersOf(volume.configuration).map((member) => memberNeedsFrom(member, { durable, sights }))
  const readers = sights.flatMap((sight) => sight.readers).filter(({ timeline }) => timeline !== undefined)
  return alignedTo(Math.min(durable, oldest, ...members, ...readers.map(({ flushed }) => flushed)))
}

/**
 * A zone's image of before counts: whoever was made of it may not have been let in by a log node yet. Until each zone has had
 * two, all of the log is needed.
 */
function imagesNeedFrom(volume: VolumeRecord, { before }: VolumeImages): Position | undefined {
  const from = zonesOf(volume).map((zone) => before[zone])
  return from.some((one) => one === undefined) ? undefined : Math.min(...(from as number[]))
}

/**
 * A copy may have to cut what it has beyond the durable point that it knows, and gets it again from others. One that failed
 * gets nothing any more.
 */
function memberNeedsFrom(
  { id, zone }: PlacedMember,
  { durable, sights }: { readonly durable: Position; readonly sights: readonly VolumeSight[] },
): Position {
  const seen = sights.find((sight) => sight.zone === zone)?.members.find(({ member }) => member === id)
  if (seen?.state === 'failed') return Infinity
  if (seen?.state === 'open') return Math.min(seen.end, seen.durable)
  return Math.max(0, durable - LOG_FOR_AWAY_BYTES_MAX)
}

const alignedTo = (position: Position): Position => Number(segmentStart(BigInt(position)))

/** A file of the log goes as a whole, and so may leave a copy with this much that is not needed. */
const LEFT_BYTES_MAX = 32 * MIB

/** Whether there are copies that did not let go of what they were to. */
export const hasMore = (members: readonly ObservedMember[], before: Position): boolean =>
  members.some((member) => member.state === 'open' && member.first + LEFT_BYTES_MAX < Math.min(before, member.durable))
