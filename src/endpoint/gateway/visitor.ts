/**
 * One client's connection, from its first byte to its end.
 *
 *   opening ──► placing ⇄ dialling ──► spliced ──► over
 *      └─ a request to cancel ─────────────────────►
 *
 * What a client says before it has an engine is kept, up to a bound, and passed on first.
 */
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import { dialTcp } from '#host/tcp.ts'
import type { Route, RouteTarget } from '#wire/endpoint/messages.ts'
import { fatalMessage, readOpening, type Opening } from '#wire/postgres/opening.ts'
import { CONNECT_MS_MAX, OPENING_BYTES_MAX, OPENING_MS_MAX, REFUSED_PAUSE_MS } from '../limits.ts'
import { sendCancel } from './cancel.ts'

/** What a visitor needs of its gateway. */
export interface Reception {
  /** As it is now. */
  readonly route: Route
  readonly clock: Clock
  readonly log: Log
  /** Where a new connection goes now; undefined while none may be made. */
  choose(excluded: ReadonlySet<string>): RouteTarget | undefined
  /** The visitor goes from one engine to another; undefined: it waits. */
  moved(from: RouteTarget | undefined, to: RouteTarget | undefined): void
  /** The visitor is over. Told once. */
  left(visitor: Visitor): void
}

export class Visitor {
  /** The engine that it is connected to, or being connected to. */
  target: RouteTarget | undefined
  over = false
  private readonly reception: Reception
  private readonly client: Socket
  private upstream: Socket | undefined
  /** What the client has said that no engine has heard yet. */
  private said: Buffer[] = []
  private saidBytes = 0
  private hasEnded = false
  private wake: () => void = () => {}

  constructor(client: Socket, reception: Reception) {
    this.client = client
    this.reception = reception
    client.on('error', (error) => reception.log.debug({ error }, 'the connection of a client failed'))
    client.on('close', () => this.end())
    client.on('data', this.listen)
    client.on('end', this.noteEnd)
  }

  /** Resolves when the client is connected to an engine, or over. */
  async run(): Promise<void> {
    const { clock } = this.reception
    const patience = clock.after(OPENING_MS_MAX, () => this.end())
    const opening = await this.opening()
    patience.cancel()
    if (!opening) return this.end()
    if (opening.kind === 'cancel') return this.cancel(opening)
    if (opening.kind === 'foreign') return this.end()
    const upstream = await this.connect(clock.monotonic())
    if (upstream) this.splice(upstream)
    else this.turnAway()
  }

  /** The route has changed: whoever waits looks again, and who is connected to what is no longer there is cut off. */
  routeChanged(): void {
    const { route } = this.reception
    if (this.upstream && (route.state === 'cut' || !lists(route, this.target!))) this.end()
    else this.wake()
  }

  /** Ends both connections at once: no byte is passed on after this. */
  end(): void {
    if (this.over) return
    this.over = true
    this.client.unpipe()
    this.upstream?.unpipe()
    this.client.resetAndDestroy()
    this.upstream?.resetAndDestroy()
    this.said = []
    this.wake()
    this.reception.left(this)
  }

  private readonly listen = (piece: Buffer): void => {
    this.said.push(piece)
    this.saidBytes += piece.length
    // More than this is said only by a client that does not wait for answers; it goes on once it has an engine.
    if (this.saidBytes > OPENING_BYTES_MAX) this.client.pause()
    this.wake()
  }

  private readonly noteEnd = (): void => {
    this.hasEnded = true
    this.wake()
  }

  private async opening(): Promise<Opening | undefined> {
    for (;;) {
      if (this.over) return undefined
      const opening = readOpening(Buffer.concat(this.said))
      if (opening) return opening
      if (this.hasEnded) return undefined
      await this.pause()
    }
  }

  /** A connected engine. Undefined when the client has gone or has waited for too long. */
  private async connect(since: number): Promise<Socket | undefined> {
    const { reception } = this
    const refused = new Set<string>()
    while (!this.over) {
      const target = reception.choose(refused)
      if (target) {
        const upstream = await this.dial(target)
        if (upstream) return upstream
        refused.add(target.name)
        continue
      }
      const { route } = reception
      const leftMs = since + route.holdMs - reception.clock.monotonic()
      if (leftMs <= 0 || this.hasEnded) return undefined
      await this.pause(route.state === 'open' ? Math.min(leftMs, REFUSED_PAUSE_MS) : leftMs)
      refused.clear()
    }
    return undefined
  }

  private async dial(target: RouteTarget): Promise<Socket | undefined> {
    const { reception } = this
    this.settle(target)
    try {
      const upstream = await dialTcp(target, CONNECT_MS_MAX)
      if (!this.over && reception.route.state === 'open' && lists(reception.route, target)) return upstream
      upstream.on('error', () => {}).resetAndDestroy()
    } catch (error) {
      reception.log.debug({ error, target: target.name }, 'an engine cannot be reached')
    }
    this.settle(undefined)
    return undefined
  }

  private settle(target: RouteTarget | undefined): void {
    if (this.over) return
    this.reception.moved(this.target, target)
    this.target = target
  }

  /** From now on each says what the other hears, at the pace of the slower. */
  private splice(upstream: Socket): void {
    const { client, reception } = this
    this.upstream = upstream
    client.off('data', this.listen).off('end', this.noteEnd)
    for (const piece of this.said) upstream.write(piece)
    this.said = []
    upstream.on('error', (error) => reception.log.debug({ error }, 'the connection to an engine failed'))
    upstream.on('close', () => {
      // An engine that has said its last word in order leaves the client the time to hear it.
      if (upstream.readableEnded) client.destroySoon()
      else this.end()
    })
    client.pipe(upstream)
    upstream.pipe(client)
  }

  private async cancel(opening: Extract<Opening, { kind: 'cancel' }>): Promise<void> {
    const { route } = this.reception
    if (route.state !== 'cut') await Promise.all(route.targets.map((target) => sendCancel(target, opening.packet)))
    this.client.destroySoon()
  }

  /** Nobody else tells the client; one that asked for TLS first shows its own words for it. */
  private turnAway(): void {
    if (this.over) return
    this.client.end(fatalMessage('57P03', 'the database cannot be reached now'))
    this.client.destroySoon()
  }

  /** Until something has changed; at most this long, where given. */
  private async pause(ms?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.wake = resolve
    const timer = ms === undefined ? undefined : this.reception.clock.after(ms, resolve)
    await promise
    timer?.cancel()
  }
}

function lists(route: Route, { name, host, port }: RouteTarget): boolean {
  return route.targets.some((target) => target.name === name && target.host === host && target.port === port)
}
