/** How the volume of a clone begins with what another one has (create-aurora-cluster.ts). */
import type { SeedSource } from '#wire/agent/volume.ts'
import { logOfWriter } from '../aurora-cluster/backups.ts'
import { keeperAttachment } from '../aurora-cluster/placement.ts'
import { findAuroraCluster, isWriter, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { serves } from '../aurora-cluster/sight.ts'
import { strandKey } from '../aurora-cluster/strands.ts'
import type { Control } from '../control.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { archivedTo, archiveVolume } from '../volume/archived.ts'
import { imageIn, imagesOf } from '../volume/images.ts'
import { requireLogNodes } from '../volume/log-nodes.ts'
import { volumes, type BranchMark, type BranchRecord, type VolumeRecord } from '../volume/record.ts'
import { isAllArchived } from './copy-volume-at-rest.ts'

/** The cluster that is cloned, as it is now. */
export interface BranchSource {
  readonly cluster: AuroraClusterRecord
  readonly volume: VolumeRecord
}

/** Undefined once it is gone. */
export async function branchSource(
  control: Pick<Control, 'store'>,
  { source }: BranchRecord,
): Promise<BranchSource | undefined> {
  const cluster = (await findAuroraCluster(control, source))?.value
  const volume = (await volumes(control, source).get(source.resourceId))?.value
  return cluster && volume && { cluster, volume }
}

/**
 * Up to where the branch is to go, from now. Undefined: nobody can say, since its writer is being replaced, or not everything
 * is archived of one that is at rest.
 */
export async function markBranch(
  control: Control,
  { source, isShared }: BranchRecord,
  { cluster, volume }: BranchSource,
): Promise<BranchMark | undefined> {
  const { epoch } = volume
  if (volume.writer === undefined) {
    if (!volume.seed) return undefined
    await archiveVolume(control, volume, archivePrefix(strandKey(source, volume.id)))
    return (await isAllArchived(control, volume)) ? { epoch, until: 'archived' } : undefined
  }
  const writer = cluster.members.find((member) => isWriter(cluster, member))
  const isServing = cluster.phase === 'available' && cluster.isOpen && writer?.resourceId === volume.writer
  if (!isServing || !serves(control, writer)) return undefined
  const since = await logOfWriter(control, cluster)
  if (!isShared) return { epoch, until: since }
  const asked = { id: writer.resourceId, since }
  return { epoch, until: (await control.hosts.ask(writer.zone, 'instance.checkpoint', asked)).at }
}

/** The record that was marked may never become durable: its writer is over. */
export const isMarkVoid = ({ epoch, until }: BranchMark, { volume }: BranchSource): boolean =>
  until !== 'archived' && epoch !== volume.epoch

/** What the branch is made of in a zone. Undefined: the archive has not come so far yet. */
export async function branchSeed(
  control: Control,
  { branch, mark, zone }: { readonly branch: BranchRecord; readonly mark: BranchMark; readonly zone: string },
  { cluster, volume }: BranchSource,
): Promise<SeedSource | undefined> {
  const archived = { prefix: archivePrefix(strandKey(branch.source, volume.id)), time: undefined }
  if (mark.until === 'archived') return archived
  if (!branch.isShared) return (await archivedTo(control, volume)) >= mark.until ? archived : undefined
  const imageId = imageIn(await imagesOf(control, cluster, volume.id), zone, volume.seed!)
  const nodes = await requireLogNodes(control, control.hosts.zones)
  const attachment = keeperAttachment(control, cluster, { volume, nodes, zone, name: `branch_${zone}` })
  return { branch: { imageId, volume: attachment, until: mark.until } }
}
