/** What an instance of an Aurora cluster is to the others. */
import type { Control } from '../control.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { addressOf, NOWHERE } from '../db-instance/source-address.ts'
import type { Placement } from '../db-instance/topology.ts'
import { volumes } from '../volume/record.ts'
import { isWriter, type AuroraClusterRecord } from './record.ts'

/** Under which a reader streams. Another in its place has another name. */
const readerName = (resourceId: string): string => `r_${resourceId.slice(-12).toLowerCase()}`

/**
 * Where the cluster is as given, whatever the store says by now. The volume's epoch is the generation: an order from before
 * somebody else was to write is void.
 */
export async function placementInAurora(
  control: Control,
  cluster: AuroraClusterRecord,
  record: Pick<DbInstanceRecord, 'resourceId'>,
): Promise<Placement> {
  const volume = await volumes(control, cluster).get(cluster.resourceId)
  const generation = volume?.value.epoch ?? 0
  if (isWriter(cluster, record)) {
    const readers = cluster.members.filter((member) => !isWriter(cluster, member))
    return {
      generation,
      // A writer begins an epoch with each start: that is not its agent's to decide.
      revivedBy: 'control',
      replication: {
        role: 'primary',
        followers: readers.map(({ resourceId }) => readerName(resourceId)),
        synchronous: [],
      },
    }
  }
  const writer = cluster.members.find((member) => isWriter(cluster, member))
  const source = writer && (await dbInstances(control, cluster).get(writer.id))
  return {
    generation,
    revivedBy: 'agent',
    replication: {
      role: 'standby',
      name: readerName(record.resourceId),
      followers: [],
      source: source ? addressOf(control, source.value) : NOWHERE,
      readable: true,
    },
  }
}
