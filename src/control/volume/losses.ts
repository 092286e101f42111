/** Which copies of a volume are gone for good, by what its log nodes say of themselves. Pure. */
import type { ObservedLogNode, ObservedMember } from '#wire/lognode/messages.ts'
import type { MemberId } from '#wire/quorum/messages.ts'
import { membersOf } from './configuration.ts'
import type { PlacedMember, VolumeRecord } from './record.ts'

/** What the log nodes of zones say; of one that is away, nothing. */
export type Sights = ReadonlyMap<string, ObservedLogNode>

const seenAs = (volume: VolumeRecord, { id, zone }: PlacedMember, sights: Sights): ObservedMember | undefined =>
  sights.get(zone)?.members.find((one) => one.volume === volume.id && one.member === id)

/**
 * Whether a copy will not come back: its log node says that it has failed, or does not know it (any more: its disk is another
 * one). A copy whose log node is away is not lost: it is back with it.
 */
export function isLost(volume: VolumeRecord, member: PlacedMember, sights: Sights): boolean {
  if (!sights.has(member.zone)) return false
  const seen = seenAs(volume, member, sights)
  return seen === undefined || seen.state === 'failed'
}

/** The first copy of those in force that is lost, or was away for so long that nobody can bring it up to date, and is not being replaced. */
export const lostMember = (volume: VolumeRecord, sights: Sights): PlacedMember | undefined =>
  volume.configuration.members.find((member) => isLost(volume, member, sights) || isLeftBehind(volume, member, sights))

/** The copy that is to come, while one is replaced. */
export const newcomerOf = ({ configuration: { members, joint } }: VolumeRecord): PlacedMember | undefined =>
  joint?.find(({ id }) => !members.some((member) => member.id === id))

/** Copies that are on a log node and are no part of the volume: what was replaced, or came to nothing. */
export const straysOf = (volume: VolumeRecord, sights: Sights): PlacedMember[] => {
  const known = new Set(membersOf(volume.configuration).map(({ id }) => id))
  return [...sights].flatMap(([zone, { members }]) =>
    members.filter((one) => one.volume === volume.id && !known.has(one.member)).map(({ member: id }) => ({ id, zone })),
  )
}

/**
 * From where on a new copy has the log: from where each of the others does, so that any of them can give it the rest.
 * Undefined: none of them is there to be asked.
 */
export function startOfNewcomer(volume: VolumeRecord, sights: Sights): number | undefined {
  const firsts = openOthers(volume, sights).map(({ first }) => first)
  return firsts.length > 0 ? Math.max(...firsts) : undefined
}

/** Whether nobody can give a copy what comes next in its log: the others have it no more. */
export function isLeftBehind(volume: VolumeRecord, member: PlacedMember, sights: Sights): boolean {
  const seen = seenAs(volume, member, sights)
  const others = openOthers(volume, sights).filter(({ id }) => id !== member.id)
  return seen?.state === 'open' && others.length > 0 && others.every(({ first }) => first > seen.end)
}

function openOthers(volume: VolumeRecord, sights: Sights): { readonly id: MemberId; readonly first: number }[] {
  const newcomer = newcomerOf(volume)
  return volume.configuration.members
    .filter(({ id }) => id !== newcomer?.id)
    .flatMap((member) => {
      const seen = seenAs(volume, member, sights)
      return seen?.state === 'open' && seen.history.length > 0 ? [{ id: member.id, first: seen.first }] : []
    })
}
