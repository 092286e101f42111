/** What log nodes are told of a volume. Pure. */
import type { MemberPlace, NetworkAddress, NewMember, VolumeTerms } from '#wire/lognode/messages.ts'
import type { Configuration } from '#wire/quorum/messages.ts'
import { membersOf } from './configuration.ts'
import type { Seed, VolumeRecord } from './record.ts'

/** A log node, and where heads and peers reach it. */
export interface Door {
  readonly zone: string
  readonly node: string
  readonly door: NetworkAddress
}

/** Where every copy is: also those that are to come, and those that are to go. */
export function placesOf({ configuration }: VolumeRecord, doors: readonly Door[]): MemberPlace[] {
  return membersOf(configuration).map(({ id, zone }) => {
    const at = doors.find((one) => one.zone === zone)
    if (!at) throw new RangeError(`there is no log node in zone ${zone}`)
    return { member: id, node: at.node, ...at.door }
  })
}

/** As heads and relays have it. */
export function configurationOf({ configuration }: VolumeRecord): Configuration {
  const { generation, members, joint } = configuration
  const ids = (some: typeof members): string[] => some.map(({ id }) => id)
  return { generation, members: ids(members), ...(joint && { joint: ids(joint) }) }
}

export const volumeTerms = (
  volume: VolumeRecord,
  { doors, verifier }: { readonly doors: readonly Door[]; readonly verifier: string },
): VolumeTerms => ({
  volume: volume.id,
  places: placesOf(volume, doors),
  ...(volume.seed && { readers: { verifier, systemId: volume.seed.systemId } }),
})

/** The copies that a zone's log node makes of a new volume: each begins with what the seed image has. */
export const newMembers = (
  volume: VolumeRecord,
  { seed, zone }: { readonly seed: Seed; readonly zone: string },
): NewMember[] =>
  volume.configuration.members
    .filter((member) => member.zone === zone)
    .map(({ id }) => ({ volume: volume.id, member: id, seed: seed.imageId }))
