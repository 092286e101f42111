/** The gateway before a Multi-AZ instance: one address for life, whichever copy is the primary. Those of clusters, too. */
import { assert } from '#base/assert.ts'
import { MINUTE_MS } from '#base/durations.ts'
import type { Route } from '#wire/endpoint/messages.ts'
import { GATE, GATE_SECRET } from '#wire/postgres/assurance.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { enginePortOf, isDirect, LOOPBACK } from '../db-instance/engine-address.ts'
import { tlsOf } from '../db-instance/tls.ts'
import { allowedSources } from '../network/sources.ts'

/** How long a client that comes during a failover is kept waiting before it is turned away. */
const HOLD_MS = MINUTE_MS

/** An address, and who is behind it. */
export interface Gateway {
  readonly id: string
  readonly port: number
  /** Has the certificate that clients are shown, and is in the security groups. */
  readonly owner: DbInstanceRecord
  /** Clients are taken to one of these; none: whoever comes is kept waiting. */
  readonly engines: readonly DbInstanceRecord[]
  /** Whoever is connected goes on, and whoever comes is kept waiting. */
  readonly isHeld?: boolean
  /** There will be nobody behind it: whoever comes is turned away at once. */
  readonly isClosed?: boolean
}

type How = NonNullable<Parameters<Control['endpoints']['apply']>[1]>

const sourcesOf = (
  control: Pick<Control, 'store'>,
  { owner, port }: Pick<Gateway, 'owner' | 'port'>,
): Promise<string[]> => allowedSources(control, owner, owner.settings.VpcSecurityGroupIds, port)

/** Applied with the rules of the security groups as they still are afterwards: they may change at the same time. */
export async function applyGateway(control: Control, gateway: Gateway, how: How): Promise<void> {
  let sources = await sourcesOf(control, gateway)
  await control.endpoints.apply(routeOf(control, gateway, sources), how)
  for (;;) {
    const now = await sourcesOf(control, gateway)
    if (now.join() === sources.join()) return
    sources = now
    await control.endpoints.allow(gateway.id, sources)
  }
}

/** The rules of the security groups are in force at the gateway when this resolves, whatever state it is in. */
export async function admitThroughGateway(
  control: Control,
  gateway: Pick<Gateway, 'id' | 'port' | 'owner'>,
): Promise<void> {
  await control.endpoints.allow(gateway.id, await sourcesOf(control, gateway))
}

export async function admitThroughRoute(control: Control, record: DbInstanceRecord): Promise<void> {
  if (!isDirect(record)) await admitThroughGateway(control, gatewayOf(record, []))
}

function routeOf(
  control: Pick<Control, 'advertised' | 'vault'>,
  { id, port, owner, engines, isHeld = false, isClosed = false }: Gateway,
  sources: readonly string[],
): Route {
  const { certificate } = owner
  assert(certificate, 'an instance has its certificate before its endpoint is opened')
  return {
    id,
    listenAddress: control.advertised.listenAddress,
    port,
    targets: engines.map((engine) => ({
      host: LOOPBACK,
      port: enginePortOf(engine),
      // Of an Aurora cluster several may be in one zone.
      name: engine.aurora ? engine.resourceId : engine.zone,
      instance: engine.resourceId,
    })),
    // A commit whose wait for the standby was cancelled must not reach a client as a success.
    mode: 'guarded',
    tls: tlsOf(control, owner, certificate),
    asking: { user: GATE, password: control.vault.derive(GATE_SECRET).toString('hex') },
    state: engines.length === 0 ? 'cut' : isHeld ? 'held' : 'open',
    allowedSources: sources,
    holdMs: isClosed ? 0 : HOLD_MS,
  }
}

const gatewayOf = (record: DbInstanceRecord, engines: readonly DbInstanceRecord[]): Gateway => ({
  id: record.resourceId,
  port: record.port,
  owner: record,
  engines,
})

/** Clients are let in to the primary when this resolves. Of an engine that has its port itself: nothing to do. */
export async function openRoute(control: Control, record: DbInstanceRecord): Promise<void> {
  if (!isDirect(record)) await applyGateway(control, gatewayOf(record, [record]), { untilListening: true })
}

/** Nobody talks to a copy any more when this resolves; whoever comes is kept waiting. */
export async function cutRoute(control: Control, record: DbInstanceRecord): Promise<void> {
  if (!isDirect(record)) await applyGateway(control, gatewayOf(record, []), { untilListening: false })
}

/** Whether clients can come in, as far as it depends on the gateway. */
export function isRouteOpen(control: Pick<Control, 'endpoints' | 'simulated'>, record: DbInstanceRecord): boolean {
  return isDirect(record) || isGatewayOpen(control, record.resourceId)
}

export function isGatewayOpen(control: Pick<Control, 'endpoints' | 'simulated'>, id: string): boolean {
  const seen = control.endpoints.observed(id)
  return control.simulated || (seen?.listening === true && seen.state === 'open')
}
