import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Server, Socket } from '#host/net.ts'
import { listenTcp, type TcpAddress } from '#host/tcp.ts'
import { BIND_PAUSE_MS } from '../limits.ts'

export interface ListenerOptions {
  readonly clock: Clock
  readonly log: Log
  readonly onClient: (client: Socket) => void
  /** It listens now, or the reason why it does not is another one. */
  readonly onChange: () => void
}

/** Listens on an address as soon as that is free, and until it is closed. */
export class Listener {
  readonly address: TcpAddress
  /** Resolves once it listens; rejects when it is closed before. */
  readonly ready: Promise<void>
  /** Why it does not listen. */
  problem: string | undefined
  private readonly options: ListenerOptions
  private readonly bound = Promise.withResolvers<void>()
  private server: Server | undefined
  private again: Timer | undefined
  private closed = false

  constructor(address: TcpAddress, options: ListenerOptions) {
    this.address = address
    this.options = options
    this.ready = this.bound.promise
    this.ready.catch(() => {})
    void this.bind()
  }

  get isListening(): boolean {
    return this.server !== undefined
  }

  /** Listens no longer when this returns; resolves when its connections have ended too. */
  async close(): Promise<void> {
    this.closed = true
    this.again?.cancel()
    this.bound.reject(new Error('the endpoint does not listen there any more'))
    const { server } = this
    this.server = undefined
    if (server) await new Promise((resolve) => server.close(resolve))
  }

  private async bind(): Promise<void> {
    const { clock, log, onClient, onChange } = this.options
    try {
      const server = await listenTcp(this.address, onClient)
      if (this.closed) return void server.close()
      server.on('error', (error) => log.warn({ error }, 'a connection was not accepted'))
      this.server = server
      this.problem = undefined
      this.bound.resolve()
      onChange()
    } catch (error) {
      if (this.closed) return
      this.again = clock.after(BIND_PAUSE_MS, () => void this.bind())
      const problem = messageOf(error)
      if (this.problem === problem) return
      this.problem = problem
      log.info({ problem }, 'the port is not free yet')
      onChange()
    }
  }
}
