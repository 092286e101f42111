/** Where an instance's engine listens: on the endpoint's own port, or behind a gateway that has it. */
import type { DbInstanceRecord } from './record.ts'

/** Engines behind a gateway are for this machine alone. */
export const LOOPBACK = '127.0.0.1'

/** Whom an engine behind a gateway lets in: the gateway has looked at where its clients come from. */
export const GATEWAY_ONLY: readonly string[] = [`${LOOPBACK}/32`]

/** The engine itself has the endpoint's port. */
export const isDirect = ({ copyPorts }: Pick<DbInstanceRecord, 'copyPorts'>): boolean =>
  copyPorts === undefined || copyPorts.isDirect

/** Where the primary's engine listens. */
export const enginePortOf = ({ copyPorts, zone, port }: DbInstanceRecord): number =>
  copyPorts && !copyPorts.isDirect ? copyPorts.byZone[zone]! : port
