/** The gateway before a Multi-AZ instance: one address for life, whichever copy is the primary. */
import type { Route } from '#wire/endpoint/messages.ts'
import { assert } from '#base/assert.ts'
import { MINUTE_MS } from '#base/durations.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { allowedSources } from '../network/sources.ts'
import { enginePortOf, isDirect, LOOPBACK } from '../db-instance/engine-address.ts'
import { tlsOf } from '../db-instance/spec.ts'

/** How long a client that comes during a failover is kept waiting before it is turned away. */
const HOLD_MS = MINUTE_MS

const sourcesOf = (control: Pick<Control, 'store'>, record: DbInstanceRecord): Promise<string[]> =>
  allowedSources(control, record, record.settings.VpcSecurityGroupIds, record.port)

/** Applied with the rules of the security groups as they still are afterwards: they may change at the same time. */
async function applyRoute(
  control: Control,
  record: DbInstanceRecord,
  state: Route['state'],
  how: { readonly untilListening: boolean },
): Promise<void> {
  let sources = await sourcesOf(control, record)
  await control.endpoints.apply(routeTo(control, record, state, sources), how)
  for (;;) {
    const now = await sourcesOf(control, record)
    if (now.join() === sources.join()) return
    sources = now
    await control.endpoints.allow(record.resourceId, sources)
  }
}

/** The rules of the security groups are in force at the gateway when this resolves, whatever state it is in. */
export async function admitThroughRoute(control: Control, record: DbInstanceRecord): Promise<void> {
  if (!isDirect(record)) await control.endpoints.allow(record.resourceId, await sourcesOf(control, record))
}

function routeTo(
  control: Pick<Control, 'advertised' | 'vault'>,
  record: DbInstanceRecord,
  state: Route['state'],
  sources: readonly string[],
): Route {
  const { certificate } = record
  assert(certificate, 'an instance has its certificate before its endpoint is opened')
  return {
    id: record.resourceId,
    listenAddress: control.advertised.listenAddress,
    port: record.port,
    targets: state === 'open' ? [{ host: LOOPBACK, port: enginePortOf(record), name: record.zone }] : [],
    // A commit whose wait for the standby was cancelled must not reach a client as a success.
    mode: 'guarded',
    tls: tlsOf(control, record, certificate),
    state,
    allowedSources: sources,
    holdMs: HOLD_MS,
  }
}

/** Clients are let in to the primary when this resolves. Of an engine that has its port itself: nothing to do. */
export async function openRoute(control: Control, record: DbInstanceRecord): Promise<void> {
  if (!isDirect(record)) await applyRoute(control, record, 'open', { untilListening: true })
}

/** Nobody talks to a copy any more when this resolves; whoever comes is kept waiting. */
export async function cutRoute(control: Control, record: DbInstanceRecord): Promise<void> {
  if (!isDirect(record)) await applyRoute(control, record, 'cut', { untilListening: false })
}

/** Whether clients can come in, as far as it depends on the gateway. */
export function isRouteOpen(control: Pick<Control, 'endpoints' | 'simulated'>, record: DbInstanceRecord): boolean {
  if (isDirect(record) || control.simulated) return true
  const seen = control.endpoints.observed(record.resourceId)
  return seen?.listening === true && seen.state === 'open'
}
