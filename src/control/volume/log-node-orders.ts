/** What is asked of log nodes, through the agents of their zones. */
import type { Control } from '../control.ts'
import { verifierOf } from '../db-instance/master.ts'
import { doorsOf, feedPassword, requireLogNodes, termsOf } from './log-nodes.ts'
import type { Sights } from './losses.ts'
import type { VolumeRecord } from './record.ts'
import { volumeTerms } from './terms.ts'

/** What the log nodes of these zones say of themselves: those whose agents are there. Has the others come up. */
export async function lookAtLogNodes({ hosts }: Pick<Control, 'hosts'>, zones: readonly string[]): Promise<Sights> {
  const looks = zones.map(async (zone) => {
    if (!hosts.isConnected(zone)) {
      await hosts.rouse(zone)
      return undefined
    }
    // One that goes away at this moment is away.
    const { observed } = await hosts.ask(zone, 'lognode.look', {}).catch(() => ({ observed: undefined }))
    return observed && ([zone, observed] as const)
  })
  return new Map((await Promise.all(looks)).filter((seen) => seen !== undefined))
}

/** The zone's log node knows how others reach it when this resolves, and shows the certificate of its record. */
export async function configureLogNode(control: Control, zone: string): Promise<void> {
  const [node] = await requireLogNodes(control, [zone])
  await control.hosts.ask(zone, 'lognode.configure', termsOf(control, node!))
}

/** The zone's log node knows where the copies of the volume are, and who reads them, when this resolves. */
export async function describeVolume(
  control: Control,
  { volume, zone }: { readonly volume: VolumeRecord; readonly zone: string },
): Promise<void> {
  const doors = doorsOf(await requireLogNodes(control, control.hosts.zones))
  const verifier = await verifierOf(control, feedPassword(control, volume.id))
  await control.hosts.ask(zone, 'lognode.volume', volumeTerms(volume, { doors, verifier }))
}
