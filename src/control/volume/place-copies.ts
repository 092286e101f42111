import { assert } from '#base/assert.ts'
import type { Control } from '../control.ts'
import { zonesOf } from './configuration.ts'
import { configureLogNode, describeVolume } from './log-node-orders.ts'
import type { VolumeRecord } from './record.ts'
import { newMembers } from './terms.ts'

/**
 * Each log node has made its copies of a volume, and knows where all others are, when this resolves. All begin alike: a quorum
 * may not have less. All of it may be asked again.
 */
export const placeCopies = async (control: Control, volume: VolumeRecord): Promise<void> => {
  await Promise.all(zonesOf(volume).map((zone) => place(control, { volume, zone })))
}

async function place(
  control: Control,
  { volume, zone }: { readonly volume: VolumeRecord; readonly zone: string },
): Promise<void> {
  const { seed } = volume
  assert(seed, 'copies begin with what the image has')
  await configureLogNode(control, zone)
  await describeVolume(control, { volume, zone })
  for (const member of newMembers(volume, { seed, zone })) await control.hosts.ask(zone, 'lognode.create', member)
}
