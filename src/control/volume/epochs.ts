/** Who writes a volume. Pure: what these give is written over the row that they were given, by compare-and-set. */
import { assert } from '#base/assert.ts'
import type { Seed, VolumeRecord } from './record.ts'

/** The epoch of a new database's seed image. Writers have later ones. */
export const SEED_EPOCH = 1

/** Whoever commits this row may start one writer, and no other epoch has its number. Any epoch before is over. */
export function takeEpoch(volume: VolumeRecord, writer: string): VolumeRecord {
  assert(!volume.relay, 'nobody writes a copy of another volume')
  return { ...volume, epoch: volume.epoch + 1, writer }
}

/**
 * The row when nobody is to write any more. It takes an epoch as well: a head of the one before that comes late finds that
 * it is over.
 */
export const restVolume = (volume: VolumeRecord): VolumeRecord => ({
  ...volume,
  epoch: volume.epoch + 1,
  writer: undefined,
})

/**
 * The row once the seed image is made. A database keeps its identifier for life. What was restored goes on on the timeline that
 * the restore ended on: epochs of writers come after that.
 */
export function seeded({ branch: _done, ...volume }: VolumeRecord, seed: Seed): VolumeRecord {
  assert(volume.seed === undefined || volume.seed.systemId === seed.systemId, 'a volume is made from one seed image')
  assert(seed.epoch >= SEED_EPOCH, 'epochs are counted from one')
  return { ...volume, seed, epoch: Math.max(volume.epoch, seed.epoch) }
}

/**
 * The row when the cluster is to have another volume. Orders about the one before are void, whatever epoch it was in; so are its
 * writers, since nobody serves its log any more.
 */
export function moved({ former = [], ...before }: VolumeRecord, next: VolumeRecord): VolumeRecord {
  assert(before.id !== next.id, 'another volume has another id')
  return { ...next, epoch: Math.max(before.epoch + 1, next.epoch), former: [...former, before] }
}
