/** What a member of a cluster is to the others. */
import type { Control } from '../control.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { addressOf, NOWHERE } from '../db-instance/source-address.ts'
import type { Placement } from '../db-instance/topology.ts'
import { followerName } from '../multi-az/copies.ts'
import { memberIn, readersOf, type DbClusterRecord } from './record.ts'

export async function placementIn(
  control: Control,
  cluster: DbClusterRecord,
  { zone }: Pick<DbInstanceRecord, 'zone'>,
): Promise<Placement> {
  const { generation } = cluster
  if (zone === cluster.writer) {
    const followers = readersOf(cluster).filter(({ state }) => state !== 'missing')
    return {
      generation,
      // Somebody else may be the writer by the time that it could run again.
      revivedBy: cluster.awaited.length + cluster.electorate.length > 0 ? 'control' : 'agent',
      replication: {
        role: 'primary',
        followers: followers.map((member) => followerName(member.zone)),
        synchronous: cluster.awaited.map(followerName),
      },
    }
  }
  const writer = await dbInstances(control, cluster).get(memberIn(cluster, cluster.writer).id)
  return {
    generation,
    revivedBy: 'agent',
    replication: {
      role: 'standby',
      name: followerName(zone),
      followers: [],
      source: cluster.isSealed || !writer ? NOWHERE : addressOf(control, writer.value),
      readable: true,
    },
  }
}
