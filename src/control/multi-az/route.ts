/** The gateway before a Multi-AZ instance: one address for life, whichever copy is the primary. */
import type { Route } from '#wire/endpoint/messages.ts'
import { MINUTE_MS } from '#base/durations.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { enginePortOf, isDirect, LOOPBACK } from '../db-instance/engine-address.ts'

/** How long a client that comes during a failover is kept waiting before it is turned away. */
const HOLD_MS = MINUTE_MS

function routeTo(control: Pick<Control, 'advertised'>, record: DbInstanceRecord, state: Route['state']): Route {
  return {
    id: record.resourceId,
    listenAddress: control.advertised.listenAddress,
    port: record.port,
    targets: state === 'open' ? [{ host: LOOPBACK, port: enginePortOf(record), name: record.zone }] : [],
    mode: 'splice',
    state,
    allowedSources: ['0.0.0.0/0', '::/0'],
    holdMs: HOLD_MS,
  }
}

/** Clients are let in to the primary when this resolves. Of an engine that has its port itself: nothing to do. */
export async function openRoute(control: Control, record: DbInstanceRecord): Promise<void> {
  if (!isDirect(record)) await control.endpoints.apply(routeTo(control, record, 'open'))
}

/** Nobody talks to a copy any more when this resolves; whoever comes is kept waiting. */
export async function cutRoute(control: Control, record: DbInstanceRecord): Promise<void> {
  if (!isDirect(record)) await control.endpoints.apply(routeTo(control, record, 'cut'), { untilListening: false })
}

/** Whether clients can come in, as far as it depends on the gateway. */
export function isRouteOpen(control: Pick<Control, 'endpoints' | 'simulated'>, record: DbInstanceRecord): boolean {
  if (isDirect(record) || control.simulated) return true
  const seen = control.endpoints.observed(record.resourceId)
  return seen?.listening === true && seen.state === 'open'
}
