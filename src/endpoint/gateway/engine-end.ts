/** The way to an engine: a connection, over TLS where the client's is. */
import { once } from 'node:events'
import type { Socket } from '#host/net.ts'
import { dialTcp } from '#host/tcp.ts'
import { offerTls } from '#host/tls.ts'
import type { RouteTarget } from '#wire/endpoint/messages.ts'
import { SSL_REQUEST_PACKET } from '#wire/postgres/opening.ts'
import { CONNECT_MS_MAX, TLS_MS_MAX } from '../limits.ts'

export class EngineEnd {
  readonly socket: Socket
  private readonly connection: Socket

  private constructor(connection: Socket, socket: Socket) {
    this.connection = connection
    this.socket = socket
  }

  /**
   * `certificate`: TLS is spoken, with an engine that has this one. Otherwise the engine is spoken to in the clear, as
   * by the client: over TLS it would offer channel binding, which such a client takes for an attack.
   */
  static async dial(target: RouteTarget, certificate: Buffer | undefined, signal: AbortSignal): Promise<EngineEnd> {
    const connection = await dialTcp(target, CONNECT_MS_MAX, signal)
    if (!certificate) return new EngineEnd(connection, connection)
    // A hung engine takes connections and says nothing; whoever has found another does not wait for it.
    const onAbort = (): void => void connection.destroy(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      connection.on('error', () => {})
      connection.write(SSL_REQUEST_PACKET)
      connection.setTimeout(TLS_MS_MAX, () => connection.destroy(new Error('the engine does not answer')))
      const [answer] = (await once(connection, 'data')) as [Buffer]
      connection.setTimeout(0)
      connection.pause()
      if (answer.toString('latin1') !== 'S') throw new Error('the engine speaks no TLS')
      return new EngineEnd(connection, await offerTls(connection, certificate, TLS_MS_MAX))
    } catch (error) {
      connection.resetAndDestroy()
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  abort(): void {
    this.socket.unpipe()
    if (this.socket !== this.connection) this.socket.destroy()
    this.connection.resetAndDestroy()
  }
}
