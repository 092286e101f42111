/** What a cluster's volume begins with: an image of what its database was, or is to be. */
import { assert } from '#base/assert.ts'
import type { Mutation } from '#store/collection.ts'
import type { JobKinds, SnapshotFacts } from '#wire/agent/messages.ts'
import { auroraSourceOf } from '../aurora-cluster/backups.ts'
import { baseBackupId, baseBackups } from '../automated-backup/record.ts'
import type { Control } from '../control.ts'
import { seeded } from '../volume/epochs.ts'
import { seedImageOf, type VolumeRecord } from '../volume/record.ts'
import type { HeldAurora } from './aurora-context.ts'

type Named = Pick<VolumeRecord, 'id'>

/** What is in the image besides what it comes from. */
export function contentOf(
  { cluster }: Pick<HeldAurora, 'cluster'>,
  volume: Named,
): Omit<JobKinds['volume.seed']['input'], 'from'> {
  const { shared, master, databaseName } = cluster
  return {
    snapshotId: seedImageOf(volume),
    engine: 'postgres',
    version: shared.EngineVersion,
    master: { name: master.username, passwordVerifier: master.verifier },
    databaseName,
  }
}

/** The row once the image is there. */
export function withSeed(volume: VolumeRecord, { seed }: SnapshotFacts): VolumeRecord {
  assert(seed, 'an image that a volume begins with says where')
  return seeded(volume, { ...seed, imageId: seedImageOf(volume) })
}

/** The image is the first of the volume's backups: there is one before there is an instance. */
export function firstBase(
  control: Control,
  { cluster }: Pick<HeldAurora, 'cluster'>,
  { volume, log }: { readonly volume: Named; readonly log: SnapshotFacts['log'] },
): Mutation {
  const id = seedImageOf(volume)
  const facts = { takenAt: control.clock.now(), isTemporary: false, isStored: false, isExpired: false }
  const base = {
    ...facts,
    id,
    log,
    zone: control.hosts.zones[0]!,
    instance: auroraSourceOf(cluster),
    tags: cluster.tags,
  }
  return baseBackups(control, cluster).create(baseBackupId(volume.id, id), base)
}
