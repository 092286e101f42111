/**
 * A link that can be broken: a TCP relay between a client and a server, for faults that no process can show. What a real
 * network loses TCP sends again, so a cut link is one on which nothing arrives until it is mended, not one that loses
 * bytes in the middle; a link that is reset loses its connections.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { systemClock } from '#host/clock.ts'

type Direction = 'to-server' | 'to-client'

export interface Relay {
  readonly port: number
  /** Of clients that are connected. */
  connections(): number
  /** Nothing arrives in this direction, or in either, until `mend`. */
  cut(direction?: Direction): void
  /** Everything takes this much longer, in each direction. */
  delay(ms: number): void
  /** The server's side of every connection is gone, and the client is not told. */
  halfOpen(): void
  /** Every connection is gone, and both sides are told. */
  reset(): void
  /** As at first; what was held back arrives. */
  mend(): void
  close(): Promise<void>
}

interface Link {
  readonly held: Set<Direction>
  delayMs: number
}

export async function openRelay(target: { readonly host: string; readonly port: number }, port = 0): Promise<Relay> {
  const link: Link = { held: new Set(), delayMs: 0 }
  const pairs = new Set<Pair>()
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    const pair = new Pair(client, connect({ ...target, allowHalfOpen: true }), link)
    pairs.add(pair)
    pair.onGone = () => pairs.delete(pair)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const all = (act: (pair: Pair) => void): void => [...pairs].forEach(act)
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => pairs.size,
    cut(direction) {
      for (const one of direction ? [direction] : (['to-server', 'to-client'] as const)) link.held.add(one)
    },
    delay: (ms) => void (link.delayMs = ms),
    halfOpen: () => all((pair) => pair.forgetServer()),
    reset: () => all((pair) => pair.destroy()),
    mend() {
      link.held.clear()
      link.delayMs = 0
      all((pair) => pair.flow())
    },
    async close() {
      server.close()
      all((pair) => pair.destroy())
      await once(server, 'close')
    },
  }
}

interface Parcel {
  /** Undefined: the end of the stream. */
  readonly bytes: Buffer | undefined
  readonly dueAt: number
}

/** One connection: its bytes, and its ends, arrive in order, each no sooner than it is due. */
class Pair {
  onGone: () => void = () => {}
  private readonly lanes: readonly Lane[]
  private readonly client: Socket
  private readonly server: Socket

  constructor(client: Socket, server: Socket, link: Link) {
    this.client = client
    this.server = server
    this.lanes = [
      new Lane('to-server', link, { from: client, to: server }),
      new Lane('to-client', link, { from: server, to: client }),
    ]
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
    }
    client.on('close', () => this.destroy())
    server.on('close', (hadError) => (hadError ? this.destroy() : undefined))
  }

  flow(): void {
    for (const lane of this.lanes) lane.flow()
  }

  forgetServer(): void {
    for (const lane of this.lanes) lane.isDead = true
    this.server.removeAllListeners('close')
    this.server.destroy()
  }

  destroy(): void {
    for (const lane of this.lanes) lane.isDead = true
    this.client.resetAndDestroy()
    this.server.resetAndDestroy()
    this.onGone()
  }
}

class Lane {
  isDead = false
  private readonly waiting: Parcel[] = []
  private readonly direction: Direction
  private readonly link: Link
  private readonly to: Socket

  constructor(direction: Direction, link: Link, { from, to }: { from: Socket; to: Socket }) {
    this.direction = direction
    this.link = link
    this.to = to
    from.on('data', (bytes: Buffer) => this.take(bytes))
    from.on('end', () => this.take(undefined))
  }

  private take(bytes: Buffer | undefined): void {
    this.waiting.push({ bytes, dueAt: systemClock.monotonic() + this.link.delayMs })
    this.flow()
  }

  flow(): void {
    while (!this.isDead && !this.link.held.has(this.direction)) {
      const first = this.waiting[0]
      if (!first) return
      const leftMs = first.dueAt - systemClock.monotonic()
      if (leftMs > 0) return void systemClock.after(leftMs, () => this.flow())
      this.waiting.shift()
      if (first.bytes) this.to.write(first.bytes)
      else this.to.end()
    }
  }
}
