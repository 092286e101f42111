/** One connection for commands of the replication protocol and for the log: to an engine, or to a feed. */
// PostgreSQL 18 manual, 54.3.1 and 54.4.
import { InvariantError } from '#base/assert.ts'
import type { Socket } from '#host/net.ts'
import { SCRAM_MECHANISM, ScramClient } from '#trust/scram-client.ts'
import { BackendStream } from '#wire/pg/backend-stream.ts'
import {
  queryMessage,
  readAuthentication,
  readDataRow,
  readError,
  readKeepalive,
  saslInitial,
  saslResponse,
  standbyFeedback,
  standbyStatus,
  startupPacket,
  type Keepalive,
} from '#wire/pg/client-messages.ts'
import type { Horizon, Position } from '#wire/quorum/messages.ts'

export interface SessionOptions {
  /** Connects. What is read is given away piece by piece, each good during the call. The session ends the socket. */
  readonly dial: (onBytes: (bytes: Buffer) => void) => Promise<Socket>
  readonly user: string
  readonly password: string
  /** By which `synchronous_standby_names` knows us. */
  readonly name: string
  /** Random, of 18 bytes. */
  readonly nonce: Uint8Array
}

export interface LogHandlers {
  /** The next bytes of the log: what one reading of the socket gave. Views, good during the call. */
  log(position: Position, pieces: readonly Buffer[]): void
  /** The server wants to hear from us. */
  asked(): void
  /** What the server says of itself now and then. */
  heard?(said: Keepalive): void
  /** There is no connection any more. Once, unless it was closed from here. */
  ended(error: Error): void
}

type Rows = (string | undefined)[][]

export class ReplicationSession {
  private readonly options: SessionOptions
  private readonly handlers: LogHandlers
  private readonly scram: ScramClient
  private readonly stream: BackendStream
  private socket: Socket | undefined
  private isOver = false
  private isStreaming = false
  /** Who waits for the server to be ready, or for the log to begin. */
  private waiting: PromiseWithResolvers<Rows> | undefined
  private rows: Rows = []
  private error: Error | undefined
  /** Of the log, out of the bytes that were read last. */
  private pieces: Buffer[] = []
  private piecesAt: Position = 0

  /** Resolves when the server takes commands. The caller closes it. */
  static async open(options: SessionOptions, handlers: LogHandlers): Promise<ReplicationSession> {
    const session = new ReplicationSession(options, handlers)
    await session.logIn()
    return session
  }

  private constructor(options: SessionOptions, handlers: LogHandlers) {
    this.options = options
    this.handlers = handlers
    this.scram = new ScramClient(options.password, options.nonce)
    this.stream = new BackendStream({
      log: (position, bytes) => this.takeLog(position, bytes),
      message: (type, body) => this.takeMessage(type, body),
    })
  }

  /** Rejects with the server's PostgresError. One at a time. */
  command(text: string): Promise<Rows> {
    const answer = this.wait()
    this.socket!.write(queryMessage(text))
    return answer
  }

  /** Resolves when the server streams, from this position on this timeline. */
  async startLog(position: string, timeline: number): Promise<void> {
    await this.command(`START_REPLICATION PHYSICAL ${position} TIMELINE ${timeline}`)
  }

  /** Everything before `position` is safe. `nowMs`: wall time. Nothing happens where the log does not stream. */
  confirm(position: Position, nowMs: number, wantsReply = false): void {
    if (this.isStreaming && !this.isOver) this.socket!.write(standbyStatus(position, nowMs, wantsReply))
  }

  /** What our readers still need of what the server may remove; holds until this is said again, or the connection ends. */
  need(horizon: Horizon, nowMs: number): void {
    if (this.isStreaming && !this.isOver) this.socket!.write(standbyFeedback(horizon, nowMs))
  }

  flow(isOpen: boolean): void {
    if (isOpen) this.socket!.resume()
    else this.socket!.pause()
  }

  close(): void {
    this.isOver = true
    this.socket?.destroy()
  }

  private async logIn(): Promise<void> {
    const { dial, user, name } = this.options
    const socket = await dial((bytes) => this.read(bytes))
    this.socket = socket
    socket.on('error', (error) => this.end(error))
    socket.on('close', () => this.end(new Error('the server has closed the connection')))
    const ready = this.wait()
    socket.write(startupPacket({ user, replication: 'true', application_name: name }))
    await ready
  }

  private wait(): Promise<Rows> {
    this.waiting = Promise.withResolvers()
    if (this.isOver) this.waiting.reject(new Error('the connection has ended'))
    return this.waiting.promise
  }

  private read(bytes: Buffer): void {
    try {
      this.stream.feed(bytes)
      this.deliver()
    } catch (error) {
      if (error instanceof InvariantError) throw error
      this.end(error as Error)
    }
  }

  private deliver(): void {
    const { pieces } = this
    this.pieces = []
    if (pieces.length > 0 && !this.isOver) this.handlers.log(this.piecesAt, pieces)
  }

  private takeLog(position: Position, bytes: Buffer): void {
    if (this.pieces.length === 0) this.piecesAt = position
    this.pieces.push(bytes)
  }

  private takeMessage(type: string, body: Buffer): void {
    switch (type) {
      case 'R':
        return this.takeAuthentication(body)
      case 'D':
        return void this.rows.push(readDataRow(body))
      case 'E':
        this.error = readError(body)
        return
      case 'W':
        this.isStreaming = true
        return this.answer()
      case 'Z':
        if (this.isStreaming) return this.end(new Error('the server ends the log'))
        return this.answer()
      case 'c':
        // The end of a timeline comes together with its last bytes, mostly.
        this.deliver()
        return this.end(new Error('the server ends the log'))
      case 'd':
        return this.takeKeepalive(readKeepalive(body))
      default:
    }
  }

  private takeKeepalive(said: Keepalive | undefined): void {
    if (said) this.handlers.heard?.(said)
    if (said?.wantsReply) this.handlers.asked()
  }

  private takeAuthentication(body: Buffer): void {
    const asked = readAuthentication(body)
    switch (asked.type) {
      case 'ok':
        return
      case 'sasl':
        if (!asked.mechanisms.includes(SCRAM_MECHANISM))
          throw new Error('the server takes no password in a way we know')
        return void this.socket!.write(saslInitial(SCRAM_MECHANISM, this.scram.first))
      case 'sasl-continue':
        this.scram.answer(asked.said).then(
          (said) => this.socket!.write(saslResponse(said)),
          (error: Error) => this.end(error),
        )
        return
      case 'sasl-final':
        if (!this.scram.isProof(asked.said)) throw new Error('the server does not know the password')
        return
      case 'other':
        throw new Error(`the server asks for authentication ${asked.code}`)
    }
  }

  private answer(): void {
    const { waiting, rows, error } = this
    this.waiting = undefined
    this.rows = []
    this.error = undefined
    if (error) waiting?.reject(error)
    else waiting?.resolve(rows)
  }

  private end(reason: Error): void {
    if (this.isOver) return
    this.close()
    // Before the login is done, what is wrong is said in an error that nothing but the end follows.
    const error = this.error ?? reason
    this.waiting?.reject(error)
    this.handlers.ended(error)
  }
}
