/** Where an engine's log is had. */
import type { ReplicationSource } from '#wire/agent/replication.ts'
import type { Control } from '../control.ts'
import { enginePortOf, isDirect, LOOPBACK } from './engine-address.ts'
import type { DbInstanceRecord } from './record.ts'

/** There is no source, or it is not to be listened to: nothing answers there, and nobody could prove to be it. */
export const NOWHERE: ReplicationSource = { host: LOOPBACK, port: 1, caPem: '' }

/** Where those who follow an instance reach its engine: no gateway, and none of the rules for clients, is in between. */
export function addressOf(
  { advertised: { listenAddress } }: Pick<Control, 'advertised'>,
  source: DbInstanceRecord,
): ReplicationSource {
  const isEverywhere = listenAddress === '0.0.0.0' || listenAddress === '::' || listenAddress === '*'
  const host = !isDirect(source) || isEverywhere ? LOOPBACK : listenAddress
  return { host, port: enginePortOf(source), caPem: source.certificate?.caPem ?? '' }
}
