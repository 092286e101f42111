/**
 * Which six copies a volume has, and how one of them gives way to another. Pure.
 *
 *     six ──replaceMember──► six, joint six ──settle──► the other six
 *      ▲                            │
 *      └───────── withdraw ─────────┘
 */
import { assert } from '#base/assert.ts'
import type { Epoch, MemberId } from '#wire/quorum/messages.ts'
import { SEED_EPOCH } from './epochs.ts'
import type { PlacedMember, VolumeConfiguration, VolumeRecord } from './record.ts'

/** Copies in each of three zones: any four of the six are in two zones at least. */
const COPIES_PER_ZONE = 2
const ZONES = 3

/** A volume of which nothing exists yet. */
export function newVolume(id: string, zones: readonly string[]): VolumeRecord {
  assert(zones.length >= ZONES, 'a volume has copies in three zones')
  const members = zones
    .slice(0, ZONES)
    .flatMap((zone) => Array.from({ length: COPIES_PER_ZONE }, (_, i) => ({ id: `${zone}${i + 1}`, zone })))
  return {
    id,
    seed: undefined,
    headCertificate: undefined,
    epoch: SEED_EPOCH,
    writer: undefined,
    configuration: { generation: 1, members, lastNumber: COPIES_PER_ZONE },
  }
}

/** Everybody who has, or is to have, a copy: to all of them a head speaks. */
export function membersOf({ members, joint = [] }: VolumeConfiguration): PlacedMember[] {
  return [...members, ...joint.filter(({ id }) => !members.some((member) => member.id === id))]
}

/** Zones whose log nodes have copies, or are to have some. */
export const zonesOf = ({ configuration }: VolumeRecord): string[] => [
  ...new Set(membersOf(configuration).map(({ zone }) => zone)),
]

/** A copy under a new name is to take the place of one that is lost, in the same zone. One at a time. */
export function replaceMember(volume: VolumeRecord, lost: MemberId): VolumeRecord {
  const { members, joint, lastNumber } = volume.configuration
  assert(!joint, 'one copy is replaced at a time')
  const old = members.find(({ id }) => id === lost)
  assert(old, `${lost} is a member of the volume`)
  const number = lastNumber + 1
  const replacement = { id: `${old.zone}${number}`, zone: old.zone }
  return configured(volume, {
    members,
    joint: members.map((member) => (member === old ? replacement : member)),
    lastNumber: number,
  })
}

/**
 * The row with the new six alone, once the head of this epoch has said that both sets have everything by this
 * configuration. Undefined: another epoch or configuration is there by now, and what the head said is void.
 */
export function settle(
  volume: VolumeRecord,
  said: { readonly epoch: Epoch; readonly generation: number },
): VolumeRecord | undefined {
  const { generation, joint, lastNumber } = volume.configuration
  if (!joint || said.epoch !== volume.epoch || said.generation !== generation) return undefined
  return configured(volume, { members: joint, lastNumber })
}

/** The row with the old six, as they were. */
export function withdraw(volume: VolumeRecord): VolumeRecord {
  const { members, lastNumber } = volume.configuration
  return configured(volume, { members, lastNumber })
}

const configured = (volume: VolumeRecord, next: Omit<VolumeConfiguration, 'generation'>): VolumeRecord => ({
  ...volume,
  configuration: { ...next, generation: volume.configuration.generation + 1 },
})
