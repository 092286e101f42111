/**
 * The port through which control reaches the endpoints of this machine: gateways with an address for life over engines
 * that move. `connected-endpoints.ts` speaks to the endpoint process, and starts it lazily.
 */
import type { ObservedRoute, Route } from '#wire/endpoint/messages.ts'

export interface Endpoints {
  /**
   * Resolves when the route is kept and in force: connections to engines that it does not list are ended, and no new
   * ones are made; clients can come in, unless `untilListening` is false. While another process has the port, it keeps
   * trying. May be repeated. Throws a retryable Trouble when there is no answer in time; the route may then be in force
   * all the same.
   */
  apply(route: Route, how?: { readonly untilListening: boolean }): Promise<void>
  /** Resolves when new clients are let in from these blocks alone. A route that is not there: nothing. */
  allow(id: string, allowedSources: readonly string[]): Promise<void>
  /** Resolves when sessions that write are held for so long after each transaction. Ends by itself after `forMs`. */
  throttle(id: string, delayMs: number, forMs: number): Promise<void>
  /** Resolves when its connections are ended and its port is free. A route that is not there: nothing. */
  remove(id: string): Promise<void>
  /** The last report; undefined while the endpoint process is not connected, or has no such route. */
  observed(id: string): ObservedRoute | undefined
  /** Called with every report of a route, those of a new connection to the endpoint process included. */
  onReport(listener: (route: ObservedRoute) => void): void
}
