/** Whom an instance's engine streams from, and who streams from it. */
import type { Replication, ReplicationSource } from '#wire/agent/replication.ts'
import type { Control } from '../control.ts'
import { replicasOf, replicaName } from '../read-replica/replicas.ts'
import { findByKey, keyOf, type DbInstanceRecord } from './record.ts'

/** Undefined for an instance that is alone and always was. */
export async function replicationOf(control: Control, record: DbInstanceRecord): Promise<Replication | undefined> {
  const { generation, replica } = record
  if (generation === undefined && !replica) return undefined
  const followers = (await replicasOf(control, keyOf(record))).map(replicaName)
  if (!replica) return { role: 'primary', followers, synchronous: [] }
  const source = (await findByKey(control, replica.source))?.value
  return {
    role: 'standby',
    name: replicaName(keyOf(record)),
    followers,
    source: source ? addressOf(control, source) : NOWHERE,
    readable: true,
  }
}

const LOOPBACK = '127.0.0.1'

/** The source of a replica is gone: nothing answers there. */
const NOWHERE: ReplicationSource = { host: LOOPBACK, port: 1, caPem: '' }

/** Where those who follow an instance reach it. */
function addressOf(
  { advertised: { listenAddress } }: Pick<Control, 'advertised'>,
  { port, certificate }: DbInstanceRecord,
): ReplicationSource {
  const isEverywhere = listenAddress === '0.0.0.0' || listenAddress === '::' || listenAddress === '*'
  return { host: isEverywhere ? LOOPBACK : listenAddress, port, caPem: certificate?.caPem ?? '' }
}
