import { together, type Mutation } from '#store/collection.ts'
import { scheduleAuroraBackups } from '../aurora-cluster/backups.ts'
import {
  auroraArchiveSubjectOf,
  auroraImagesSubjectOf,
  auroraKeeperSubjectOf,
  auroraKeyOf,
  type AuroraClusterRecord,
} from '../aurora-cluster/record.ts'
import type { Control } from '../control.ts'

/** Writes that start what looks after an Aurora cluster for as long as it lives, in the place of what there may be. */
export async function auroraTimers(control: Control, cluster: AuroraClusterRecord): Promise<Mutation> {
  const key = auroraKeyOf(cluster)
  const keeper = await control.flows.supersede('keep-aurora-cluster', auroraKeeperSubjectOf(key), { key })
  const archiver = await control.flows.supersede('archive-aurora-volume', auroraArchiveSubjectOf(key), { key })
  const images = await control.flows.supersede('keep-volume-images', auroraImagesSubjectOf(key), { key })
  return together(keeper.writes, archiver.writes, images.writes, await scheduleAuroraBackups(control, cluster))
}
