import type { AuroraClusterRecord } from '../aurora-cluster/record.ts'
import type { VolumeImages } from '../volume/images.ts'
import type { AuroraContext as C } from './aurora-context.ts'
import { job } from './context.ts'

/** False: not all of them are gone yet. Those that were never whole are removed like the others. */
export async function removeImages(
  c: C,
  { resourceId }: Pick<AuroraClusterRecord, 'resourceId'>,
  images: VolumeImages['leaving'],
): Promise<boolean> {
  for (const { imageId, zone } of images) {
    const outcome = await job(c, {
      zone,
      resourceId,
      name: `remove-${imageId}-${c.failures}`,
      kind: 'snapshot.remove',
      input: async () => ({ snapshotId: imageId }),
    })
    if (outcome.state === 'pending') return false
    if (outcome.state === 'failed') throw new Error(`remove the image ${imageId}: ${outcome.error.message}`)
  }
  return true
}
