/** The way from a standby's engine to a source that is far away: a port on this host behind which everything takes time. */
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Server, Socket } from '#host/net.ts'
import { dialTcp, listenTcp, type TcpAddress } from '#host/tcp.ts'
import { LINK_BIND_PAUSE_MS, LINK_DIAL_MS_MAX } from '../limits.ts'
import { Lane } from './lane.ts'

export interface LinkTerms {
  readonly port: number
  readonly to: TcpAddress
  readonly delayMs: number
}

export interface LinkOptions {
  readonly clock: Clock
  readonly log: Log
}

const LOOPBACK = '127.0.0.1'

export class Link {
  private terms: LinkTerms
  private readonly options: LinkOptions
  private readonly ends = new Set<() => void>()
  private server: Server | undefined
  private again: Timer | undefined
  private isClosed = false
  private isRefused = false

  constructor(terms: LinkTerms, options: LinkOptions) {
    this.terms = terms
    this.options = options
    void this.listen()
  }

  /** Whether these can be in force without another port. What is on its way to another source is lost. */
  apply(terms: LinkTerms): boolean {
    const { port, to } = this.terms
    if (terms.port !== port) return false
    this.terms = terms
    if (terms.to.host !== to.host || terms.to.port !== to.port) this.hangUp()
    return true
  }

  /** Resolves when the port is free. */
  async close(): Promise<void> {
    this.isClosed = true
    this.again?.cancel()
    const { server } = this
    const closed = server && new Promise((resolve) => server.close(resolve))
    this.hangUp()
    await closed
  }

  private hangUp(): void {
    for (const end of [...this.ends]) end()
  }

  /** Until the port is free: an agent that was killed a moment ago may have had it. */
  private async listen(): Promise<void> {
    const { clock, log } = this.options
    const address = { host: LOOPBACK, port: this.terms.port }
    try {
      const server = await listenTcp(address, (engine) => void this.carry(engine))
      if (this.isClosed) return void server.close()
      server.on('error', (error) => log.info({ error }, 'a connection to a distant source was not accepted'))
      this.server = server
    } catch (error) {
      if (this.isClosed) return
      if (!this.isRefused) log.info({ error, address }, `the way to a distant source is not open: ${messageOf(error)}`)
      this.isRefused = true
      this.again = clock.after(LINK_BIND_PAUSE_MS, () => void this.listen())
    }
  }

  private async carry(engine: Socket): Promise<void> {
    const { clock, log } = this.options
    const dialling = new AbortController()
    let over = (): void => dialling.abort(new Error('the engine has hung up'))
    const end = (): void => over()
    this.ends.add(end)
    engine.on('error', (error) => log.debug({ error }, 'an engine lost its connection to a distant source'))
    engine.once('close', end)
    try {
      const source = await dialTcp(this.terms.to, LINK_DIAL_MS_MAX, dialling.signal)
      const delayMs = (): number => this.terms.delayMs
      const lanes = [new Lane(clock, engine, source, delayMs), new Lane(clock, source, engine, delayMs)]
      over = () => {
        for (const lane of lanes) lane.end()
        for (const socket of [engine, source]) socket.resetAndDestroy()
        this.ends.delete(end)
      }
      source.on('error', (error) => log.debug({ error }, 'a distant source has cut the connection'))
      // One that has said its last word in order: the engine has yet to hear it.
      source.once('close', (hadError) => (hadError ? end() : undefined))
      if (engine.destroyed) end()
    } catch (error) {
      log.debug({ error }, 'a distant source cannot be reached')
      engine.resetAndDestroy()
      this.ends.delete(end)
    }
  }
}
