/** Whom an instance's engine streams from, and who streams from it. */
import type { Replication, ReplicationSource } from '#wire/agent/replication.ts'
import type { Control } from '../control.ts'
import { followerName, isAwaited, isFollowed } from '../multi-az/copies.ts'
import { replicasOf, replicaName } from '../read-replica/replicas.ts'
import { enginePortOf, isDirect, LOOPBACK } from './engine-address.ts'
import { findByKey, keyOf, type DbInstanceRecord } from './record.ts'

/** Undefined for an instance that is alone and always was. */
export async function replicationOf(control: Control, record: DbInstanceRecord): Promise<Replication | undefined> {
  const { generation, replica, standby } = record
  if (generation === undefined && !replica && !standby) return undefined
  const standbys = standby ? [followerName(standby.zone)] : []
  const replicas = (await replicasOf(control, keyOf(record))).map(replicaName)
  const followers = [...(isFollowed(record) ? standbys : []), ...replicas]
  if (!replica) return { role: 'primary', followers, synchronous: isAwaited(record) ? standbys : [] }
  const source = (await findByKey(control, replica.source))?.value
  return {
    role: 'standby',
    name: replicaName(keyOf(record)),
    followers,
    source: source ? addressOf(control, source) : NOWHERE,
    readable: true,
  }
}

/** The source of a replica is gone: nothing answers there. */
const NOWHERE: ReplicationSource = { host: LOOPBACK, port: 1, caPem: '' }

/** Where those who follow an instance reach its engine: no gateway, and none of the rules for clients, is in between. */
export function addressOf(
  { advertised: { listenAddress } }: Pick<Control, 'advertised'>,
  source: DbInstanceRecord,
): ReplicationSource {
  const isEverywhere = listenAddress === '0.0.0.0' || listenAddress === '::' || listenAddress === '*'
  const host = !isDirect(source) || isEverywhere ? LOOPBACK : listenAddress
  return { host, port: enginePortOf(source), caPem: source.certificate?.caPem ?? '' }
}
