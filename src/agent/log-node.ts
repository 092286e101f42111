/**
 * The log node of this host as the agent uses it: a process of its own, which outlives the agent. It is dialled on a Unix
 * socket, and started when it is needed and gone. Protocol: docs/protocol/lognode.md.
 */
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import { FrameDecoder, FrameError, encodeFrame } from '#wire/agent/frames.ts'
import { FRAME_BYTES_MAX } from '#wire/agent/limits.ts'
import { Pending } from '#wire/agent/pending.ts'
import {
  LOGNODE_PROTOCOL_VERSION,
  type FromLogNode,
  type LogNodeTerms,
  type MemberOrder,
  type ObservedDoors,
  type ObservedLogNode,
  type ObservedMember,
  type ObservedReader,
  type ObservedRelay,
  type RelayTerms,
  type ToLogNode,
  type VolumeTerms,
} from '#wire/lognode/messages.ts'
import type { MemberId, Position } from '#wire/quorum/messages.ts'
import { SilenceWatch } from './silence.ts'
import { expectation, trouble, within } from './log-node-patience.ts'
import { LOGNODE_DIAL_MS, LOGNODE_LAUNCH_PAUSES_MS, LOGNODE_PATIENCE_MS, LOGNODE_REPLY_MS_MAX } from './limits.ts'

export interface ConnectedLogNodeOptions {
  /** A connected socket to the log node. Rejects when that does not run. */
  readonly dial: () => Promise<Socket>
  /** Starts the process, detached. Should one run already, the new one ends by itself. */
  readonly launch: () => Promise<void>
  /** Ends the process by force, if it runs: it does not answer. */
  readonly kill: () => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** Requests may be sent twice. They reject where the log node refuses, does not come up, or goes away meanwhile. */
export interface ConnectedLogNode {
  /** How others reach it. Kept. */
  configure(terms: LogNodeTerms): Promise<void>
  /** Kept until the last member of the volume is removed. */
  describe(terms: VolumeTerms): Promise<void>
  create(order: MemberOrder): Promise<void>
  remove(volume: string, member: MemberId): Promise<void>
  /** Nobody needs bytes before that of this volume any more. */
  prune(volume: string, before: Position): Promise<void>
  /** Kept until it is ended, or the log node has no member any more. */
  relay(terms: RelayTerms): Promise<void>
  endRelay(volume: string): Promise<void>
  /** It has members, or may have some, and has to be looked after. */
  readonly busy: boolean
  /** Undefined while it is not connected. */
  observed(): ObservedLogNode | undefined
  /** Told of every change, and of the process coming and going. Gives what ends that. */
  onChange(listener: () => void): () => void
  /** Makes sure that the process runs, from now on. */
  rouse(): void
  /** Ends the process, if it is there. Members are kept. */
  shutDown(): Promise<void>
  /** Hangs up. The process goes on. */
  close(): void
}

export function connectLogNode(options: ConnectedLogNodeOptions): ConnectedLogNode {
  const line = new Line(options)
  return {
    configure: (terms) => line.request({ type: 'configure', terms }),
    describe: (terms) => line.request({ type: 'volume', terms }),
    create: (order) => line.request({ type: 'create', order }),
    remove: (volume, member) => line.request({ type: 'remove', volume, member }),
    prune: (volume, before) => line.request({ type: 'prune', volume, before }),
    relay: (terms) => line.request({ type: 'relay', terms }),
    endRelay: (volume) => line.request({ type: 'end-relay', volume }),
    get busy() {
      return line.busy
    },
    observed: () => line.observed(),
    onChange: (listener) => line.listen(listener),
    rouse: () => line.rouse(),
    shutDown: () => line.shutDown(),
    close: () => line.close(),
  }
}

type Request = ToLogNode extends infer M ? (M extends { readonly seq: number } ? Omit<M, 'seq'> : never) : never

/** The line to the log node: dialled again whenever it is lost, as long as it is needed. */
class Line {
  private readonly options: ConnectedLogNodeOptions
  private readonly pending = new Pending()
  private readonly listeners = new Set<() => void>()
  private readonly members = new Map<string, ObservedMember>()
  private doors: ObservedDoors = { node: undefined, listening: false, problem: undefined }
  private readers: readonly ObservedReader[] = []
  private relays: readonly ObservedRelay[] = []
  private pid: number | undefined
  private socket: Socket | undefined
  private connected = expectation()
  private lost = expectation()
  private isDialling = false
  private isNeeded = false
  private isClosing = false
  private launches = 0
  private launchAt = -Infinity
  private readonly silence: SilenceWatch

  constructor(options: ConnectedLogNodeOptions) {
    this.options = options
    this.silence = new SilenceWatch({
      clock: options.clock,
      ask: () => this.send({ type: 'ping', seq: 0 }),
      silent: () => this.replace(),
    })
  }

  get busy(): boolean {
    return this.isNeeded && (this.pid === undefined || this.members.size > 0)
  }

  observed(): ObservedLogNode | undefined {
    const { pid, doors, readers, relays } = this
    return pid === undefined ? undefined : { pid, doors, members: [...this.members.values()], readers, relays }
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  rouse(): void {
    this.isNeeded = true
    if (!this.socket && !this.isDialling && !this.isClosing) void this.dialUntilConnected()
  }

  async request(request: Request): Promise<void> {
    const { clock } = this.options
    this.rouse()
    if (this.pid === undefined)
      await within(clock, this.connected.promise, {
        patienceMs: LOGNODE_PATIENCE_MS,
        complaint: 'has not started in time',
      })
    const { seq, reply } = this.pending.open()
    this.send({ ...request, seq } as ToLogNode)
    await within(clock, reply, {
      patienceMs: LOGNODE_REPLY_MS_MAX,
      complaint: 'does not answer',
      onLate: () => this.pending.reject(seq, trouble('is late')),
    })
  }

  async shutDown(): Promise<void> {
    this.close({ hangsUp: false })
    if (!this.socket) return
    const { clock, log } = this.options
    const { promise } = this.lost
    this.send({ type: 'shut-down' })
    await within(clock, promise, { patienceMs: LOGNODE_PATIENCE_MS, complaint: 'does not end' }).catch(
      // Whoever asked has other means.
      (error: unknown) => log.warn({ error }, 'the log node does not end when it is asked'),
    )
  }

  close({ hangsUp } = { hangsUp: true }): void {
    this.isClosing = true
    this.isNeeded = false
    this.connected.reject(trouble('is not asked any more'))
    if (hangsUp) this.socket?.destroy()
  }

  private send(message: ToLogNode): void {
    if (this.socket && !this.socket.destroyed) this.socket.write(encodeFrame(message))
  }

  private async dialUntilConnected(): Promise<void> {
    const { dial, clock, log } = this.options
    this.isDialling = true
    while (this.isNeeded) {
      const socket = await dial().catch((error: unknown) => {
        log.debug({ error }, 'no log node answers')
        return undefined
      })
      if (socket && !this.isNeeded) socket.destroy()
      else if (socket) this.converse(socket)
      if (socket) break
      this.launchWhenDue()
      await clock.sleep(LOGNODE_DIAL_MS)
    }
    this.isDialling = false
  }

  private launchWhenDue(): void {
    const { clock, launch, log } = this.options
    if (!this.isNeeded || clock.monotonic() < this.launchAt) return
    // One that lives and was lost is dialled again meanwhile; a newcomer beside it ends by itself.
    const pause = LOGNODE_LAUNCH_PAUSES_MS[Math.min(this.launches++, LOGNODE_LAUNCH_PAUSES_MS.length - 1)]!
    this.launchAt = clock.monotonic() + pause
    launch().catch((error: unknown) => log.error({ error }, 'the log node cannot be started'))
  }

  private converse(socket: Socket): void {
    const { log } = this.options
    const decoder = new FrameDecoder(FRAME_BYTES_MAX)
    this.socket = socket
    this.lost = expectation()
    socket.on('error', (error) => log.debug({ error }, 'the stream of the log node failed'))
    this.silence.begin()
    socket.on('data', (piece: Buffer) => {
      this.silence.heard()
      try {
        for (const message of decoder.push(piece) as FromLogNode[]) this.receive(message)
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
        log.warn({ error }, 'the log node sent what cannot be read')
        socket.destroy()
      }
    })
    socket.on('close', () => this.detach())
  }

  private receive(message: FromLogNode): void {
    switch (message.type) {
      case 'hello':
        return this.attach(message)
      case 'reply':
        return this.pending.resolve(message.to, undefined)
      case 'refusal':
        return this.pending.reject(message.to, trouble(`refused: ${message.message}`))
      case 'doors':
        this.doors = message.doors
        return this.tell()
      case 'member':
        this.members.set(keyOf(message.member), message.member)
        return this.tell()
      case 'gone':
        this.members.delete(keyOf(message))
        return this.tell()
      case 'readers':
        this.readers = message.readers
        return this.tell()
      case 'relays':
        this.relays = message.relays
        return this.tell()
      default:
        message satisfies never
    }
  }

  private attach({ pid, protocol, version, doors, members }: Extract<FromLogNode, { type: 'hello' }>): void {
    this.options.log.info({ pid, version, members: members.length }, 'log node connected')
    // Another version of Holdfast may run it, so that an upgrade ends no log; what we say it must understand.
    if (protocol !== LOGNODE_PROTOCOL_VERSION) return this.send({ type: 'shut-down' })
    this.pid = pid
    this.launches = 0
    this.doors = doors
    this.readers = []
    this.relays = []
    this.members.clear()
    for (const member of members) this.members.set(keyOf(member), member)
    this.connected.resolve()
    this.tell()
  }

  /** It hangs: its members are of no use to anybody, and the next process has what they have on the disk. */
  private replace(): void {
    const { kill, log } = this.options
    log.warn({ pid: this.pid }, 'the log node does not answer, and is replaced')
    this.launchAt = -Infinity
    kill()
      .catch((error: unknown) => log.error({ error }, 'the log node cannot be ended'))
      .finally(() => this.socket?.destroy())
  }

  private detach(): void {
    const { pid } = this
    this.silence.end()
    this.socket = undefined
    this.pid = undefined
    // Of one that spoke another version nobody knew: who waits, waits for the next.
    if (pid !== undefined) this.connected = expectation()
    this.pending.rejectAll(trouble('went away'))
    this.lost.resolve()
    this.options.log.info({ pid }, 'log node disconnected')
    this.tell()
    // Without members it ends by itself, and is started again when it is asked for something.
    if (pid !== undefined && this.members.size === 0) this.isNeeded = false
    if (this.isNeeded && !this.isDialling) void this.dialUntilConnected()
  }

  private tell(): void {
    for (const listener of this.listeners) listener()
  }
}

const keyOf = ({ volume, member }: { readonly volume: string; readonly member: MemberId }): string =>
  `${volume}/${member}`
