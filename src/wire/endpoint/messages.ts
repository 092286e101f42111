/**
 * What serve and the endpoint process say to each other. The only coupling between `control/` and `endpoint/`.
 * One JSON document a line over one stream that serve opens. Normative prose: docs/protocol/endpoint.md.
 */

import type { TlsFiles } from '../agent/messages.ts'

/** Bumped when a message changes its meaning. Serve asks an endpoint process that speaks another version to retire. */
export const ENDPOINT_PROTOCOL_VERSION = 2

/** Where one endpoint's clients come in, and where they are taken. Intent, decided by control. */
export type Route = SplicedRoute | GuardedRoute

interface RouteTerms {
  /** Names the endpoint for life. */
  readonly id: string
  readonly listenAddress: string
  readonly port: number
  /** Engines that clients may be connected to. Each new connection goes to the one with the fewest. */
  readonly targets: readonly RouteTarget[]
  /**
   * `open`: clients are connected to targets. `held`: the connected ones go on, new ones wait. `cut`: the connected ones
   * are ended, new ones wait.
   */
  readonly state: 'open' | 'held' | 'cut'
  /** IPv4 and IPv6 blocks whose clients are let in: `127.0.0.0/8`, `::1/128`. None: nobody is. */
  readonly allowedSources: readonly string[]
  /** How long a client waits for an engine before it is turned away. Milliseconds. */
  readonly holdMs: number
}

/** Passes bytes on as they are. */
export interface SplicedRoute extends RouteTerms {
  readonly mode: 'splice'
}

/**
 * Speaks TLS with the client and with the engine, where the client does, and reads the heads of what the engine says: a
 * commit whose wait for a synchronous standby was cancelled never reaches the client as a success.
 */
export interface GuardedRoute extends RouteTerms {
  readonly mode: 'guarded'
  /** The endpoint's certificate. Every target must show the same one, or it is not connected to. */
  readonly tls: TlsFiles
  /** As whom the gateway asks an engine whether what it has committed would survive a failover. Absent: it cannot. */
  readonly asking?: { readonly user: string; readonly password: string }
}

export interface RouteTarget {
  readonly host: string
  readonly port: number
  /** Names the engine in reports and logs. Two targets of a route have different names. */
  readonly name: string
  /** The instance whose engine it is, of those that the host of the target's name has. Absent: none that is known here. */
  readonly instance?: string
}

/** What becomes of a route now. Facts, never intent. */
export interface ObservedRoute {
  readonly id: string
  readonly state: Route['state']
  /** Clients can come in. False while another process has the port. */
  readonly listening: boolean
  /** Why it does not listen. */
  readonly problem: string | undefined
  /** Open connections by the target's name. */
  readonly connections: Readonly<Record<string, number>>
  /** Connections that were begun, by the target's name, since the route leads there. Absent from a process that does not count them. */
  readonly visits?: Readonly<Record<string, number>>
  /** Clients that wait for an engine. */
  readonly waiting: number
}

/** Endpoint process → serve. */
export type FromEndpoint =
  | {
      readonly type: 'hello'
      readonly protocol: number
      readonly version: string
      readonly pid: number
      readonly routes: readonly ObservedRoute[]
    }
  | { readonly type: 'reply'; readonly to: number }
  | { readonly type: 'refusal'; readonly to: number; readonly message: string }
  | { readonly type: 'observed'; readonly route: ObservedRoute }
  | { readonly type: 'gone'; readonly id: string }

/** Serve → endpoint process. Requests carry a `seq` that the reply names in `to`. */
export type ToEndpoint =
  /** In force, and kept, when the reply comes; with `wait`, clients can come in by then. */
  | { readonly type: 'apply'; readonly seq: number; readonly route: Route; readonly wait: boolean }
  /** New clients come from these blocks alone when the reply comes; all else of the route stays. No such route: nothing. */
  | { readonly type: 'allow'; readonly seq: number; readonly id: string; readonly allowedSources: readonly string[] }
  /** Sessions of a guarded route that write are held for `delayMs` after each transaction, for the next `forMs`. Not kept. */
  | {
      readonly type: 'throttle'
      readonly seq: number
      readonly id: string
      readonly delayMs: number
      readonly forMs: number
    }
  /** Its connections are ended and its port is free when the reply comes. No such route: nothing. */
  | { readonly type: 'remove'; readonly seq: number; readonly id: string }
  /** End this process: every connection is ended, and the routes are kept for the next one. */
  | { readonly type: 'shut-down' }
