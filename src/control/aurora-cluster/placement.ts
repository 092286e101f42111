/** How an instance of an Aurora cluster hangs on the cluster's volume. */
import { assert } from '#base/assert.ts'
import type { HeadTerms, VolumeAttachment } from '#wire/agent/volume.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import type { Placement } from '../db-instance/topology.ts'
import { doorsOf, feedPassword, feedsFor, requireLogNodes, type LogNodeRecord } from '../volume/log-nodes.ts'
import { headTlsOf } from '../volume/head-certificate.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { configurationOf, placesOf } from '../volume/terms.ts'
import { isWriter, type AuroraClusterRecord } from './record.ts'

/**
 * What an instance is told to be:
 *
 *     reader ──► candidate ──► writer
 *
 * A `candidate` is a reader that lets no client in: what it is given before it writes may not be durable.
 */
export type Part = 'reader' | 'candidate' | 'writer'

interface On {
  readonly volume: VolumeRecord
  readonly nodes: readonly LogNodeRecord[]
}

/** The volume's epoch is the generation: an order from before somebody else was to write is void. */
export function placementAs(
  control: Control,
  { volume, nodes }: On,
  { record, part }: { readonly record: DbInstanceRecord; readonly part: Part },
): Placement {
  assert(record.certificate, 'an instance has its certificate before its engine is configured')
  const { epoch } = volume
  const attachment: VolumeAttachment = {
    id: volume.id,
    role: part === 'writer' ? 'writer' : 'reader',
    name: readerName(record.resourceId),
    identifier: record.id,
    feeds: feedsFor(record.zone, nodes),
    login: { password: feedPassword(control, volume.id), caPem: record.certificate.caPem },
    ...(volume.seed && { systemId: volume.seed.systemId }),
    isOpen: part !== 'candidate',
    ...(part === 'writer' && { head: headOf(control, volume, nodes) }),
  }
  // A writer begins an epoch with each start: that is not its agent's to decide.
  return { generation: epoch, revivedBy: part === 'reader' ? 'agent' : 'control', volume: attachment }
}

/** How an engine that makes an image or a branch reads the log: from the log node of its zone first, and nobody reads what it has. */
export function keeperAttachment(
  control: Control,
  { resourceId, certificate }: AuroraClusterRecord,
  { volume, nodes, zone, name }: On & { readonly zone: string; readonly name: string },
): VolumeAttachment {
  assert(certificate, 'a cluster has its certificate before there is anything to make an image of')
  return {
    id: volume.id,
    role: 'reader',
    name,
    identifier: resourceId,
    feeds: feedsFor(zone, nodes),
    login: { password: feedPassword(control, volume.id), caPem: certificate.caPem },
    isOpen: false,
  }
}

/** What the head beside the writer leads, and by what log nodes know it. */
function headOf(control: Pick<Control, 'vault'>, volume: VolumeRecord, nodes: readonly LogNodeRecord[]): HeadTerms {
  return {
    epoch: volume.epoch,
    configuration: configurationOf(volume),
    places: placesOf(volume, doorsOf(nodes)),
    tls: headTlsOf(control, volume),
  }
}

/** Under which feeds know it. Another instance in its place has another name. */
const readerName = (resourceId: string): string => `r_${resourceId.slice(-12).toLowerCase()}`

/** What it is by what the store says. */
export async function placementInAurora(
  control: Control,
  cluster: AuroraClusterRecord,
  record: DbInstanceRecord,
): Promise<Placement> {
  const volume = await volumes(control, cluster).get(cluster.resourceId)
  assert(volume, 'a cluster has a volume as long as it has instances')
  const isChosen = volume.value.writer === record.resourceId
  const part: Part = !isChosen ? 'reader' : isWriter(cluster, record) && cluster.isOpen ? 'writer' : 'candidate'
  const nodes = await requireLogNodes(control, control.hosts.zones)
  return placementAs(control, { volume: volume.value, nodes }, { record, part })
}
