/**
 * All endpoints of this machine. What is applied is kept before it is in force, so that the next process of this kind
 * goes on where this one ended. Opens no connection of its own to anybody but the targets.
 */
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import { crashPoint } from '#host/crash-point.ts'
import type { ObservedRoute, Route, RouteTarget } from '#wire/endpoint/messages.ts'
import { Gateway, termsOf } from './gateway/gateway.ts'

/** Where routes are kept. A write that has resolved is on disk. */
export interface RouteTable {
  all(): Promise<Route[]>
  put(route: Route): Promise<void>
  delete(id: string): Promise<void>
}

export interface Gateways {
  /** Resolves when the route is kept and in force; with `wait`, once clients can come in. May run twice. */
  apply(route: Route, wait: boolean): Promise<void>
  /** Resolves when new clients are let in from these blocks alone; all else of the route stays. No such route: nothing. */
  allow(id: string, allowedSources: readonly string[]): Promise<void>
  /** Sessions of a guarded route that write are held for so long after each transaction. Not kept. No such route: nothing. */
  throttle(id: string, delayMs: number, forMs: number): Promise<void>
  /** Resolves when its connections are ended and its port is free. */
  remove(id: string): Promise<void>
  observed(): ObservedRoute[]
  /** Called on every change; the returned function ends that. */
  onReport(listener: (report: RouteReport) => void): () => void
  /** Ends every connection and frees every port; the routes are kept. */
  close(): Promise<void>
}

export type RouteReport =
  | { readonly type: 'observed'; readonly route: ObservedRoute }
  | { readonly type: 'gone'; readonly id: string }

export interface GatewaysOptions {
  readonly table: RouteTable
  readonly clock: Clock
  readonly log: Log
  /** Where the engine behind a target leaves word of whom it was asked to cancel. Undefined: that is not known. */
  readonly cancelledFolder: (target: RouteTarget) => string | undefined
}

/** Opens every route that is kept. Ports that are taken are waited for. */
export async function openGateways(options: GatewaysOptions): Promise<Gateways> {
  const { table, clock, log, cancelledFolder } = options
  const gateways = new Map<string, Gateway>()
  const listeners = new Set<(report: RouteReport) => void>()
  const total = { connections: 0 }
  const tell = (report: RouteReport): void => listeners.forEach((listener) => listener(report))
  const onChange = (route: ObservedRoute): void => tell({ type: 'observed', route })
  const enforce = (route: Route): Gateway => {
    const known = gateways.get(route.id)
    if (known) known.apply(route)
    const gateway = known ?? new Gateway(route, { clock, log, cancelledFolder, total, onChange })
    gateways.set(route.id, gateway)
    return gateway
  }
  const inOrder = turns()
  for (const route of await table.all()) {
    try {
      enforce(route)
    } catch (error) {
      // One that cannot be in force must not keep the others from it.
      log.error({ error, route: route.id }, 'a kept route cannot be opened')
    }
  }
  const keepAndEnforce = async (route: Route): Promise<Gateway> => {
    // What cannot be in force is not kept either.
    termsOf(route)
    await table.put(route)
    crashPoint('endpoint:apply.kept')
    return enforce(route)
  }
  return {
    async apply(route, wait) {
      const gateway = await inOrder(route.id, () => keepAndEnforce(route))
      if (wait) await gateway.whenListening()
    },
    allow: (id, allowedSources) =>
      inOrder(id, async () => {
        const known = gateways.get(id)
        if (known) await keepAndEnforce({ ...known.route, allowedSources })
      }),
    throttle: async (id, delayMs, forMs) => gateways.get(id)?.throttle.set(delayMs, forMs),
    remove: (id) =>
      inOrder(id, async () => {
        await table.delete(id)
        crashPoint('endpoint:remove.kept')
        const gateway = gateways.get(id)
        gateways.delete(id)
        await gateway?.close()
        tell({ type: 'gone', id })
      }),
    observed: () => [...gateways.values()].map((gateway) => gateway.observed()),
    onReport(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      await Promise.all([...gateways.values()].map((gateway) => gateway.close()))
    },
  }
}

/** Runs what concerns one route in the order in which it was asked for. */
function turns(): <T>(id: string, run: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (id, run) => {
    const turn = (last.get(id) ?? Promise.resolve()).then(run, run)
    last.set(id, turn)
    const drop = (): void => void (last.get(id) === turn && last.delete(id))
    turn.then(drop, drop)
    return turn
  }
}
