/** Gateways without sockets to which tests bring clients. */
import type { Endpoints } from '#control/endpoints.ts'
import { simulatedEndpoints } from '#control/simulated-endpoints.ts'
import type { ObservedRoute } from '#wire/endpoint/messages.ts'

export interface VisitedEndpoints extends Endpoints {
  /** So many clients wait at the gateway from now on. */
  wait(id: string, count: number): void
  /** So many are connected to the target through the gateway from now on. */
  connect(id: string, target: string, count: number): void
  /** The endpoint process is not there. */
  isAway: boolean
}

export function visitedEndpoints(): VisitedEndpoints {
  const base = simulatedEndpoints()
  const waiting = new Map<string, number>()
  const connected = new Map<string, number>()
  const visits = new Map<string, number>()
  const listeners = new Set<(route: ObservedRoute) => void>()
  const tell = (id: string): void => {
    const route = endpoints.observed(id)
    if (route) for (const listener of listeners) listener(route)
  }
  const endpoints: VisitedEndpoints = {
    ...base,
    isAway: false,
    observed(id) {
      const route = endpoints.isAway ? undefined : base.observed(id)
      if (!route) return undefined
      const counts = (of: ReadonlyMap<string, number>): Record<string, number> =>
        Object.fromEntries(Object.keys(route.connections).map((target) => [target, of.get(`${id}/${target}`) ?? 0]))
      return { ...route, waiting: waiting.get(id) ?? 0, connections: counts(connected), visits: counts(visits) }
    },
    onReport: (listener) => void listeners.add(listener),
    wait(id, count) {
      waiting.set(id, count)
      tell(id)
    },
    connect(id, target, count) {
      const name = `${id}/${target}`
      connected.set(name, count)
      if (count > 0) visits.set(name, (visits.get(name) ?? 0) + count)
      tell(id)
    },
  }
  return endpoints
}
