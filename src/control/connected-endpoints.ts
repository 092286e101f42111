/**
 * Endpoints whose gateways are a process of their own: serve dials it on a Unix socket, and starts it when it is needed
 * and gone.
 */
import { Trouble } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import { FrameDecoder, FrameError, encodeFrame } from '#wire/agent/frames.ts'
import { FRAME_BYTES_MAX } from '#wire/agent/limits.ts'
import { Pending } from '#wire/agent/pending.ts'
import {
  ENDPOINT_PROTOCOL_VERSION,
  type FromEndpoint,
  type ObservedRoute,
  type ToEndpoint,
} from '#wire/endpoint/messages.ts'
import type { Endpoints } from './endpoints.ts'
import {
  CONNECT_PATIENCE_MS,
  ENDPOINT_DIAL_MS,
  LAUNCH_PAUSES_MS,
  REPLY_PATIENCE_MS,
  SHUT_DOWN_PATIENCE_MS,
} from './hosts/limits.ts'

export interface ConnectedEndpointsOptions {
  /** A connected socket to the endpoint process. Rejects when that does not run. */
  readonly dial: () => Promise<Socket>
  /** Starts the process, detached. Should one run already, the new one ends by itself. */
  readonly launch: () => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

export interface ConnectedEndpoints extends Endpoints {
  /** Makes sure that the process runs. */
  rouse(): void
  status(): { readonly pid: number | undefined; readonly routes: number }
  /** Ends the process, if it is there: connections through it are lost, routes are kept. */
  shutDown(): Promise<void>
  /** Hangs up. The process goes on. */
  close(): void
}

export function connectEndpoints(options: ConnectedEndpointsOptions): ConnectedEndpoints {
  const line = new Line(options)
  return {
    async apply(route, how = { untilListening: true }) {
      await line.request({ type: 'apply', route, wait: how.untilListening })
    },
    async allow(id, allowedSources) {
      await line.request({ type: 'allow', id, allowedSources })
    },
    async throttle(id, delayMs, forMs) {
      await line.request({ type: 'throttle', id, delayMs, forMs })
    },
    async remove(id) {
      await line.request({ type: 'remove', id })
    },
    observed: (id) => (line.pid === undefined ? undefined : line.observed.get(id)),
    onReport: (listener) => void line.listeners.add(listener),
    rouse: () => line.rouse(),
    status: () => ({ pid: line.pid, routes: line.observed.size }),
    shutDown: () => line.shutDown(),
    close: () => line.close(),
  }
}

type Request = ToEndpoint extends infer M ? (M extends { readonly seq: number } ? Omit<M, 'seq'> : never) : never

/** The line to the endpoint process: dialled again whenever it is lost, as long as somebody needs it. */
class Line {
  readonly observed = new Map<string, ObservedRoute>()
  readonly listeners = new Set<(route: ObservedRoute) => void>()
  pid: number | undefined
  private readonly options: ConnectedEndpointsOptions
  private readonly pending = new Pending()
  private socket: Socket | undefined
  private connected = expectation()
  private dialling = false
  private needed = false
  private closing = false
  private launches = 0
  private launchAt = 0
  private readonly lost = new Set<() => void>()

  constructor(options: ConnectedEndpointsOptions) {
    this.options = options
  }

  rouse(): void {
    this.needed = true
    if (!this.socket && !this.dialling) void this.dialUntilConnected()
  }

  async request(request: Request): Promise<void> {
    this.rouse()
    if (this.pid === undefined)
      await this.within(CONNECT_PATIENCE_MS, this.connected.promise, 'has not started in time')
    const { seq, reply } = this.pending.open()
    this.send({ ...request, seq } as ToEndpoint)
    await this.within(REPLY_PATIENCE_MS, reply, 'does not answer', () => this.pending.reject(seq, trouble('is late')))
  }

  async shutDown(): Promise<void> {
    this.needed = false
    this.closing = true
    if (!this.socket) return
    const gone = new Promise<void>((resolve) => this.lost.add(resolve))
    this.send({ type: 'shut-down' })
    await this.within(SHUT_DOWN_PATIENCE_MS, gone, 'does not end')
  }

  close(): void {
    this.closing = true
    this.connected.reject(trouble('is not asked any more'))
    this.socket?.destroy()
  }

  private send(message: ToEndpoint): void {
    if (this.socket && !this.socket.destroyed) this.socket.write(encodeFrame(message))
  }

  private async dialUntilConnected(): Promise<void> {
    const { dial, clock, log } = this.options
    this.dialling = true
    while (!this.closing) {
      const socket = await dial().catch((error: unknown) => {
        log.debug({ error }, 'no endpoint process answers')
        return undefined
      })
      if (this.closing) socket?.destroy()
      else if (socket) this.converse(socket)
      if (socket) break
      this.launchWhenDue()
      await clock.sleep(ENDPOINT_DIAL_MS)
    }
    this.dialling = false
  }

  private launchWhenDue(): void {
    const { clock, launch, log } = this.options
    if (clock.monotonic() < this.launchAt) return
    // The first pause is for one that is lost and dialled again; a newcomer beside one that lives ends by itself.
    this.launches++
    this.launchAt = clock.monotonic() + LAUNCH_PAUSES_MS[Math.min(this.launches, LAUNCH_PAUSES_MS.length - 1)]!
    launch().catch((error: unknown) => log.error({ error }, 'the endpoint process cannot be started'))
  }

  private converse(socket: Socket): void {
    const { log } = this.options
    const decoder = new FrameDecoder(FRAME_BYTES_MAX)
    this.socket = socket
    socket.on('error', (error) => log.debug({ error }, 'the stream of the endpoint process failed'))
    socket.on('data', (piece: Buffer) => {
      try {
        for (const message of decoder.push(piece) as FromEndpoint[]) this.receive(message)
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
        log.warn({ error }, 'the endpoint process sent what cannot be read')
        socket.destroy()
      }
    })
    socket.on('close', () => this.detach())
  }

  private receive(message: FromEndpoint): void {
    switch (message.type) {
      case 'hello':
        return this.attach(message)
      case 'reply':
        return this.pending.resolve(message.to, undefined)
      case 'refusal':
        return this.pending.reject(message.to, trouble(`refused: ${message.message}`))
      case 'observed':
        return this.saw(message.route)
      case 'gone':
        return void this.observed.delete(message.id)
      default:
        message satisfies never
    }
  }

  private attach(hello: Extract<FromEndpoint, { type: 'hello' }>): void {
    const { pid, protocol, version, routes } = hello
    this.options.log.info({ pid, version, routes: routes.length }, 'endpoint process connected')
    // Another version of Holdfast may run it, so that an upgrade ends no connection; what we say it must understand.
    if (protocol !== ENDPOINT_PROTOCOL_VERSION) return this.send({ type: 'shut-down' })
    this.pid = pid
    this.launches = 0
    this.observed.clear()
    for (const route of routes) this.saw(route)
    this.connected.resolve()
  }

  private saw(route: ObservedRoute): void {
    this.observed.set(route.id, route)
    for (const listener of this.listeners) listener(route)
  }

  private detach(): void {
    const { pid } = this
    this.socket = undefined
    this.pid = undefined
    this.connected = expectation()
    this.pending.rejectAll(trouble('went away'))
    for (const tell of this.lost) tell()
    this.lost.clear()
    this.options.log.info({ pid }, 'endpoint process disconnected')
    // Without routes it ends by itself, and is started again when there is one.
    if (this.observed.size === 0 && pid !== undefined) this.needed = false
    if (this.needed && !this.closing && !this.dialling) void this.dialUntilConnected()
  }

  private async within<T>(patienceMs: number, promise: Promise<T>, complaint: string, onLate?: () => void): Promise<T> {
    const late = Promise.withResolvers<never>()
    const timer = this.options.clock.after(patienceMs, () => {
      onLate?.()
      late.reject(trouble(complaint))
    })
    try {
      return await Promise.race([promise, late.promise])
    } finally {
      timer.cancel()
    }
  }
}

const trouble = (what: string): Trouble =>
  new Trouble(`the endpoint process ${what}`, { culprit: 'peer', retryable: true })

/** Nobody may be waiting for it when it fails. */
function expectation(): PromiseWithResolvers<void> {
  const connected = Promise.withResolvers<void>()
  connected.promise.catch(() => {})
  return connected
}
