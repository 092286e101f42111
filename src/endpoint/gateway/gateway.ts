/** One endpoint: a port, and the connections that came in there. */
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import { sourceFilter } from '#host/tcp.ts'
import { tlsIdentity, type TlsIdentity } from '#host/tls.ts'
import type { ObservedRoute, Route, RouteTarget } from '#wire/endpoint/messages.ts'
import { CONNECTIONS_MAX, REPORT_EVERY_MS } from '../limits.ts'
import { Assurance } from './assurance.ts'
import { chooseTarget } from './choose-target.ts'
import { Listener } from './listener.ts'
import type { Reception } from './reception.ts'
import { Throttle } from './throttle.ts'
import { Visitor } from './visitor.ts'

export interface GatewayOptions {
  readonly clock: Clock
  readonly log: Log
  readonly cancelledFolder: (target: RouteTarget) => string | undefined
  /** Connections of all gateways together. */
  readonly total: { connections: number }
  readonly onChange: (route: ObservedRoute) => void
}

interface RouteTerms {
  readonly allows: (address: string | undefined) => boolean
  readonly identity: TlsIdentity | undefined
}

export class Gateway implements Reception {
  route: Route
  readonly sessions = new Map<string, Visitor>()
  readonly clock: Clock
  readonly log: Log
  readonly throttle: Throttle
  private readonly options: GatewayOptions
  private terms: RouteTerms
  private readonly visitors = new Set<Visitor>()
  private readonly open = new Map<string, number>()
  /** Connections that were begun, by target. */
  private visits = new Map<string, number>()
  private turn = 0
  private readonly assurances = new Map<string, Assurance>()
  private listener: Listener
  private report: Timer | undefined
  private closed = false

  constructor(route: Route, options: GatewayOptions) {
    this.options = options
    this.clock = options.clock
    this.throttle = new Throttle(options.clock)
    this.log = options.log.child({ route: route.id })
    this.route = route
    this.terms = termsOf(route)
    this.listener = this.listen()
  }

  get identity(): TlsIdentity | undefined {
    return this.terms.identity
  }

  /** In force when this returns, except that a new port may have to be waited for. */
  apply(route: Route): void {
    const { address } = this.listener
    this.terms = termsOf(route)
    this.forgetAssurances()
    this.route = route
    this.visits = new Map(route.targets.map(({ name }) => [name, this.visits.get(name) ?? 0]))
    for (const visitor of this.visitors) visitor.routeChanged()
    if (address.port !== route.port || address.host !== route.listenAddress) {
      void this.listener.close()
      this.listener = this.listen()
    }
    this.tell()
  }

  /** Resolves once clients can come in; rejects when that is no longer wanted. */
  whenListening(): Promise<void> {
    return this.listener.ready
  }

  /** Ends every connection. Resolves when the port is free. */
  async close(): Promise<void> {
    this.closed = true
    this.report?.cancel()
    const closed = this.listener.close()
    for (const visitor of this.visitors) visitor.end()
    this.forgetAssurances()
    await closed
  }

  private forgetAssurances(): void {
    for (const assurance of this.assurances.values()) assurance.hangUp()
    this.assurances.clear()
  }

  observed(): ObservedRoute {
    const { id, state, targets } = this.route
    return {
      id,
      state,
      listening: this.listener.isListening,
      problem: this.listener.problem,
      connections: Object.fromEntries(targets.map(({ name }) => [name, this.open.get(name) ?? 0])),
      visits: Object.fromEntries(targets.map(({ name }) => [name, this.visits.get(name) ?? 0])),
      waiting: this.waiting(),
    }
  }

  private waiting(): number {
    let connected = 0
    for (const count of this.open.values()) connected += count
    return this.visitors.size - connected
  }

  assurance(target: RouteTarget): Promise<boolean> | undefined {
    const { route } = this
    if (route.mode !== 'guarded' || !route.asking) return undefined
    const name = `${target.host}:${target.port}`
    const assurance = this.assurances.get(name) ?? new Assurance(target, route, this.options)
    this.assurances.set(name, assurance)
    return assurance.isGiven()
  }

  cancelledFolder(target: RouteTarget): string | undefined {
    return this.options.cancelledFolder(target)
  }

  choose(excluded: ReadonlySet<string>): RouteTarget | undefined {
    if (this.route.state !== 'open') return undefined
    return chooseTarget(this.route.targets, this.open, this.turn++, excluded)
  }

  moved(from: RouteTarget | undefined, to: RouteTarget | undefined): void {
    if (from) this.count(from.name, -1)
    if (to) {
      this.count(to.name, 1)
      this.visits.set(to.name, (this.visits.get(to.name) ?? 0) + 1)
    }
    this.tellSoon()
  }

  left(visitor: Visitor): void {
    this.moved(visitor.target, undefined)
    this.visitors.delete(visitor)
    this.options.total.connections--
  }

  private count(name: string, change: number): void {
    const count = (this.open.get(name) ?? 0) + change
    if (count > 0) this.open.set(name, count)
    else this.open.delete(name)
  }

  private listen(): Listener {
    return new Listener(
      { host: this.route.listenAddress, port: this.route.port },
      { clock: this.clock, log: this.log, onClient: (client) => this.admit(client), onChange: () => this.tell() },
    )
  }

  private admit(client: Socket): void {
    const { total } = this.options
    if (this.closed || !this.terms.allows(client.remoteAddress) || total.connections >= CONNECTIONS_MAX) {
      client.on('error', () => {}).resetAndDestroy()
      return
    }
    total.connections++
    const visitor = new Visitor(client, this)
    this.visitors.add(visitor)
    // Somebody may have to be woken for the first who waits.
    if (!this.report && this.route.state !== 'open' && this.waiting() === 1) this.tell()
    else this.tellSoon()
    visitor.run().catch((error: unknown) => {
      this.log.error({ error }, 'a connection could not be carried')
      visitor.end()
    })
  }

  private tellSoon(): void {
    if (!this.closed) this.report ??= this.clock.after(REPORT_EVERY_MS, () => this.tell())
  }

  private tell(): void {
    this.report?.cancel()
    this.report = undefined
    if (!this.closed) this.options.onChange(this.observed())
  }
}

/** What has to be worked out of a route before it can be in force. Throws when that cannot be done. */
export function termsOf(route: Route): RouteTerms {
  const allows = sourceFilter(route.allowedSources)
  if (route.mode === 'splice') return { allows, identity: undefined }
  const { certificatePem, privateKeyPem, caPem } = route.tls
  return { allows, identity: tlsIdentity(certificatePem, privateKeyPem, caPem) }
}
