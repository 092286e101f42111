import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { TlsIdentity } from '#host/tls.ts'
import type { Route, RouteTarget } from '#wire/endpoint/messages.ts'
import type { Throttle } from './throttle.ts'
import type { Visitor } from './visitor.ts'

/** What a visitor needs of its gateway. */
export interface Reception {
  /** As it is now. */
  readonly route: Route
  /** Of a guarded route. */
  readonly identity: TlsIdentity | undefined
  readonly clock: Clock
  /** For sessions of a guarded route that write. */
  readonly throttle: Throttle
  readonly log: Log
  /** Sessions of a guarded route, by what a request to cancel names. */
  readonly sessions: Map<string, Visitor>
  /** How to learn whether all that an engine has committed would survive a failover; undefined: nobody can be asked. */
  assurance(target: RouteTarget): Promise<boolean> | undefined
  /** Where the engine leaves word of whom it was asked to cancel. */
  cancelledFolder(target: RouteTarget): string | undefined
  /** Where a new connection goes now; undefined while none may be made. */
  choose(excluded: ReadonlySet<string>): RouteTarget | undefined
  /** The visitor goes from one engine to another; undefined: it waits. */
  moved(from: RouteTarget | undefined, to: RouteTarget | undefined): void
  /** The visitor is over. Told once. */
  left(visitor: Visitor): void
}

/** Whether new connections may go to the target now. */
export function isOpenTo(route: Route, { name, host, port }: RouteTarget): boolean {
  return route.targets.some((target) => target.name === name && target.host === host && target.port === port)
}
