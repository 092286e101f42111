import type { ObservedRoute } from '#wire/endpoint/messages.ts'
import type { Endpoints } from './endpoints.ts'

/** Endpoints without sockets: whatever is applied is in force at once. */
export function simulatedEndpoints(): Endpoints {
  const routes = new Map<string, ObservedRoute>()
  return {
    async apply({ id, state, targets }) {
      const connections = Object.fromEntries(targets.map(({ name }) => [name, 0]))
      routes.set(id, { id, state, listening: true, problem: undefined, connections, visits: connections, waiting: 0 })
    },
    async allow() {},
    async throttle() {},
    async remove(id) {
      routes.delete(id)
    },
    observed: (id) => routes.get(id),
    // Nobody comes.
    onReport() {},
  }
}
