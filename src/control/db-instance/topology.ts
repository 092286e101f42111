/** Whom an instance's engine streams from, and who streams from it. */
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { Replication } from '#wire/agent/replication.ts'
import type { Control } from '../control.ts'
import { placementInAurora } from '../aurora-cluster/placement.ts'
import { findAuroraCluster } from '../aurora-cluster/record.ts'
import { placementIn } from '../db-cluster/placement.ts'
import { findCluster } from '../db-cluster/record.ts'
import { followerName, isAwaited, isFollowed } from '../multi-az/copies.ts'
import { replicasOf, replicaName } from '../read-replica/replicas.ts'
import { findByKey, keyOf, type DbInstanceRecord } from './record.ts'
import { addressOf, NOWHERE } from './source-address.ts'

/** The part of an instance's spec that says what it is to others, and since when. */
export type Placement = Pick<InstanceSpec, 'replication' | 'volume' | 'generation' | 'revivedBy'>

export async function placementOf(control: Control, record: DbInstanceRecord): Promise<Placement> {
  const aurora = record.aurora && (await findAuroraCluster(control, record.cluster!))
  if (aurora) return placementInAurora(control, aurora.value, record)
  const cluster = record.cluster && (await findCluster(control, record.cluster))
  if (cluster) return placementIn(control, cluster.value, record)
  const replication = await replicationOf(control, record)
  return {
    ...(replication && { replication }),
    ...(record.standby && { revivedBy: 'control' as const }),
    ...(record.generation !== undefined && { generation: record.generation }),
  }
}

/** Undefined for an instance that is alone and always was. */
export async function replicationOf(control: Control, record: DbInstanceRecord): Promise<Replication | undefined> {
  const { generation, replica, standby } = record
  if (generation === undefined && !replica && !standby) return undefined
  const standbys = standby ? [followerName(standby.zone)] : []
  const replicas = (await replicasOf(control, keyOf(record))).map(replicaName)
  const followers = [...(isFollowed(record) ? standbys : []), ...replicas]
  if (!replica) {
    const synchronous = isAwaited(record) ? standbys : []
    return { role: 'primary', followers, synchronous, ...(standby && { standbyKeepsSlots: true }) }
  }
  const source = (await findByKey(control, replica.source))?.value
  const { link } = replica
  return {
    role: 'standby',
    name: replicaName(keyOf(record)),
    followers,
    source: source ? { ...addressOf(control, source), ...(link && { link }) } : NOWHERE,
    readable: true,
  }
}
