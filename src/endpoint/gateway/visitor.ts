/**
 * One client's connection, from its first byte to its end.
 *
 *   opening ⇄ TLS ──► placing ⇄ dialling ──► carried ──► over
 *      └── a request to cancel ──────────────────────────►
 *
 * What a client says before it has an engine is kept, up to a bound, and passed on first.
 */
import type { Socket } from '#host/net.ts'
import type { RouteTarget } from '#wire/endpoint/messages.ts'
import { fatalMessage, type Opening } from '#wire/postgres/opening.ts'
import { LAST_WORDS_MS_MAX, OPENING_MS_MAX, REFUSED_PAUSE_MS } from '../limits.ts'
import { sendCancel } from './cancel.ts'
import { cancelKey, guard, splice } from './carry.ts'
import { ClientEnd } from './client-end.ts'
import { Doubt } from './doubt.ts'
import { EngineEnd } from './engine-end.ts'
import { isOpenTo, type Reception } from './reception.ts'
import { waitsForStandby } from './sync-wait.ts'

export class Visitor {
  /** The engine that it is connected to, or being connected to. */
  target: RouteTarget | undefined
  private over = false
  private readonly reception: Reception
  private readonly client: ClientEnd
  private engine: EngineEnd | undefined
  private dialling: AbortController | undefined
  private key: string | undefined
  private readonly doubt = new Doubt()
  private wake: () => void = () => {}

  constructor(connection: Socket, reception: Reception) {
    this.reception = reception
    this.client = new ClientEnd(
      connection,
      (error) => reception.log.debug({ error }, 'the connection of a client failed'),
      () => this.end(),
    )
    this.client.onChange = () => this.wake()
  }

  /** Resolves when the client is connected to an engine, or over. */
  async run(): Promise<void> {
    const { clock } = this.reception
    const patience = clock.after(OPENING_MS_MAX, () => this.end())
    const opening = await this.negotiate()
    patience.cancel()
    if (!opening || opening.kind === 'foreign') return this.end()
    if (opening.kind === 'cancel') return this.cancel(opening)
    const engine = await this.connect(clock.monotonic())
    if (engine) this.carry(engine)
    else if (!this.over) this.turnAway()
  }

  /** The route has changed: whoever waits looks again, and who is connected to what is no longer there is cut off. */
  routeChanged(): void {
    const { route } = this.reception
    if (this.engine && (route.state === 'cut' || !isOpenTo(route, this.target!))) this.end()
    else if (this.dialling && !this.mayReach(this.target!)) this.dialling.abort(new Error('the route has changed'))
    else this.wake()
  }

  /** Ends both connections at once: no byte is passed on after this. */
  end(): void {
    if (this.over) return
    this.over = true
    this.client.abort()
    this.engine?.abort()
    this.dialling?.abort(new Error('the client has gone'))
    this.wake()
    this.reception.left(this)
    if (this.key !== undefined) this.reception.sessions.delete(this.key)
  }

  /** What the client comes for, once it is clear how it is spoken with. Undefined when it has gone. */
  private async negotiate(): Promise<Opening | undefined> {
    for (;;) {
      const opening = await this.opening()
      const { identity, log } = this.reception
      if (!opening || !identity) return opening
      try {
        if (opening.kind === 'gss') this.client.decline()
        else if (opening.kind !== 'ssl' && opening.kind !== 'tls') return opening
        else if (this.client.isEncrypted) return { kind: 'foreign' }
        else await this.client.secure(identity, opening.kind === 'ssl' ? 'S' : undefined)
      } catch (error) {
        log.debug({ error }, 'a client could not be spoken with')
        return undefined
      }
    }
  }

  private async opening(): Promise<Opening | undefined> {
    while (!this.over) {
      const opening = this.client.opening()
      if (opening) return opening
      if (this.client.hasEnded) return undefined
      await this.pause()
    }
    return undefined
  }

  /** A connected engine. Undefined when the client has gone or has waited for too long. */
  private async connect(since: number): Promise<EngineEnd | undefined> {
    const { reception } = this
    const refused = new Set<string>()
    while (!this.over) {
      const target = reception.choose(refused)
      if (target) {
        const engine = await this.dial(target)
        if (engine) return engine
        refused.add(target.name)
        continue
      }
      const { route } = reception
      const leftMs = since + route.holdMs - reception.clock.monotonic()
      if (leftMs <= 0 || this.client.hasEnded) return undefined
      await this.pause(route.state === 'open' ? Math.min(leftMs, REFUSED_PAUSE_MS) : leftMs)
      refused.clear()
    }
    return undefined
  }

  private async dial(target: RouteTarget): Promise<EngineEnd | undefined> {
    const { reception, client } = this
    this.settle(target)
    const { signal } = (this.dialling = new AbortController())
    try {
      const certificate = client.isEncrypted ? reception.identity?.certificate : undefined
      const engine = await EngineEnd.dial(target, certificate, signal)
      engine.socket.on('error', (error) => reception.log.debug({ error }, 'the connection to an engine failed'))
      if (!this.over && this.mayReach(target)) return engine
      engine.abort()
    } catch (error) {
      reception.log.debug({ error, target: target.name }, 'an engine cannot be reached')
    } finally {
      this.dialling = undefined
    }
    this.settle(undefined)
    return undefined
  }

  private mayReach(target: RouteTarget): boolean {
    const { route } = this.reception
    return route.state === 'open' && isOpenTo(route, target)
  }

  private settle(target: RouteTarget | undefined): void {
    if (this.over) return
    this.reception.moved(this.target, target)
    this.target = target
  }

  private carry(engine: EngineEnd): void {
    const { client, reception } = this
    this.engine = engine
    engine.socket.on('close', () => {
      // An engine that has said its last word in order leaves the client the time to hear it.
      if (engine.socket.readableEnded) client.endWith(undefined)
      else if (!client.socket.writableEnded) this.end()
    })
    if (reception.route.mode === 'splice') return splice(client, engine)
    const { target } = this
    guard(client, engine, this.doubt, {
      onKey: (pid, secret) => {
        this.key = cancelKey(pid, secret)
        const folder = target && reception.cancelledFolder(target)
        if (folder !== undefined) this.doubt.session(pid, folder)
        reception.sessions.set(this.key, this)
      },
      assure: () => target && reception.assurance(target),
      hold: (then) => reception.throttle.hold(then),
      onUnsafe: () => {
        reception.log.warn(
          { target: this.target?.name },
          'a commit was not waited for; its client is not told of success',
        )
        reception.clock.after(LAST_WORDS_MS_MAX, () => this.end())
      },
    })
  }

  private async cancel({ pid, secret, packet }: Extract<Opening, { kind: 'cancel' }>): Promise<void> {
    const { route, sessions } = this.reception
    if (route.mode === 'splice') {
      if (route.state !== 'cut') await Promise.all(route.targets.map((target) => sendCancel(target, packet)))
    } else {
      const session = sessions.get(cancelKey(pid, secret))
      // Cancelled, that wait would end the session without an answer: whoever asks is better served by patience.
      if (session?.target && !(await waitsForStandby(pid)))
        await session.doubt.cancelled(sendCancel(session.target, packet))
    }
    this.client.endWith(undefined)
  }

  /** Nobody else tells the client; one that asked for TLS and has none shows its own words for it. */
  private turnAway(): void {
    this.client.endWith(fatalMessage('57P03', 'the database cannot be reached now'))
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
