/** The endpoint process's end of the stream to serve. Serve dials in; the latest connection is the one that counts. */
import { InvariantError } from '#base/assert.ts'
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import { listen, type Socket } from '#host/net.ts'
import { FrameDecoder, FrameError, encodeFrame } from '#wire/agent/frames.ts'
import { FRAME_BYTES_MAX } from '#wire/agent/limits.ts'
import { ENDPOINT_PROTOCOL_VERSION, type FromEndpoint, type ToEndpoint } from '#wire/endpoint/messages.ts'
import type { Gateways } from './gateways.ts'
import { IDLE_MS, UNSENT_BYTES_MAX } from './limits.ts'

export interface ControlStreamOptions {
  readonly gateways: Gateways
  /** In a folder that only we can enter: who can connect is one of us. */
  readonly socketPath: string
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

/** Why the process is to end. `idle`: there has been no route for a while. */
export type Farewell = 'shut-down' | 'idle'

export interface ControlStream {
  readonly ended: Promise<Farewell>
  /** Hangs up, which tells serve that the process has ended: to be called last. */
  close(): void
}

/** Resolves once serve can dial in. */
export async function openControlStream(options: ControlStreamOptions): Promise<ControlStream> {
  const { gateways, clock, log } = options
  const ended = Promise.withResolvers<Farewell>()
  let current: Socket | undefined
  let idle: Timer | undefined
  const countIdle = (): void => {
    idle?.cancel()
    idle = clock.after(IDLE_MS, () => {
      if (gateways.observed().length === 0) ended.resolve('idle')
      else countIdle()
    })
  }
  countIdle()
  const server = await listen({ path: options.socketPath }, (socket) => {
    current?.destroy()
    current = socket
    log.info({}, 'serve connected')
    new Conversation(socket, options, {
      shutDown: () => ended.resolve('shut-down'),
      touched: countIdle,
    }).start()
  })
  return {
    ended: ended.promise,
    close() {
      idle?.cancel()
      server.close()
      current?.destroy()
    },
  }
}

interface Events {
  shutDown(): void
  touched(): void
}

function send(socket: Socket, message: FromEndpoint): void {
  if (socket.destroyed) return
  socket.write(encodeFrame(message))
  if (socket.writableLength > UNSENT_BYTES_MAX) socket.destroy()
}

class Conversation {
  private readonly socket: Socket
  private readonly options: ControlStreamOptions
  private readonly events: Events

  constructor(socket: Socket, options: ControlStreamOptions, events: Events) {
    this.socket = socket
    this.options = options
    this.events = events
  }

  start(): void {
    const { socket } = this
    const { gateways, version, log } = this.options
    const decoder = new FrameDecoder(FRAME_BYTES_MAX)
    const stopReports = gateways.onReport((report) => send(socket, report))
    socket.on('error', (error) => log.debug({ error }, 'the stream to serve failed'))
    socket.on('close', stopReports)
    socket.on('data', (piece: Buffer) => {
      try {
        for (const message of decoder.push(piece)) this.handle(message as ToEndpoint)
      } catch (error) {
        if (error instanceof InvariantError) throw error
        log.warn({ error }, 'serve sent what cannot be read')
        socket.destroy()
      }
    })
    const routes = gateways.observed()
    send(socket, { type: 'hello', protocol: ENDPOINT_PROTOCOL_VERSION, version, pid: process.pid, routes })
  }

  private handle(message: ToEndpoint): void {
    const { gateways } = this.options
    this.events.touched()
    switch (message.type) {
      case 'apply':
        return this.reply(message.seq, gateways.apply(message.route, message.wait))
      case 'allow':
        return this.reply(message.seq, gateways.allow(message.id, message.allowedSources))
      case 'throttle':
        return this.reply(message.seq, gateways.throttle(message.id, message.delayMs, message.forMs))
      case 'remove':
        return this.reply(message.seq, gateways.remove(message.id))
      case 'shut-down':
        return this.events.shutDown()
      default:
        message satisfies never
        throw new FrameError('serve sent a message of an unknown type')
    }
  }

  private reply(to: number, done: Promise<void>): void {
    done.then(
      () => send(this.socket, { type: 'reply', to, value: {} }),
      (error: unknown) => {
        if (error instanceof InvariantError) throw error
        this.options.log.warn({ error }, 'a request of serve was refused')
        send(this.socket, { type: 'refusal', to, message: messageOf(error) })
      },
    )
  }
}
