/** What a reader says, until it is listened to: first packets, then messages. */
import type { Socket } from '#host/net.ts'
import { acceptTls, type TlsIdentity } from '#host/tls.ts'
import { FrontendReader, type FrontendMessage } from '#wire/pg/frontend-messages.ts'
import { readOpening, type Opening } from '#wire/postgres/opening.ts'
import { MESSAGE_BYTES_MAX, TLS_MS_MAX, UNHEARD_BYTES_MAX } from './limits.ts'

export class Incoming {
  /** Bytes go this way; a TLS socket over the first one once TLS is spoken. */
  socket: Socket
  private readonly connection: Socket
  private readonly messages = new FrontendReader(MESSAGE_BYTES_MAX)
  /** Before the first message. */
  private said: Buffer = Buffer.alloc(0)
  private isOpened = false
  private isOver = false
  private wake: () => void = () => {}

  constructor(connection: Socket) {
    this.connection = connection
    this.socket = connection
    connection.on('error', this.end).on('close', this.end)
    this.listen()
  }

  get isEncrypted(): boolean {
    return this.socket !== this.connection
  }

  /** The first packet that was not taken yet; one that says who comes is whole. Undefined: the reader has gone. */
  async opening(): Promise<Opening | undefined> {
    while (!this.isOver) {
      const opening = readOpening(this.said)
      if (opening && (opening.kind !== 'startup' || this.said.length >= opening.bytes)) return opening
      await this.change()
    }
    return undefined
  }

  /** Takes the packet that says who comes. Messages follow. */
  startup(bytes: number): Buffer {
    const packet = this.said.subarray(0, bytes)
    this.messages.push(this.said.subarray(bytes))
    this.said = Buffer.alloc(0)
    this.isOpened = true
    return packet
  }

  /** Undefined: the reader has gone. Throws RangeError for one that is too long. */
  async message(): Promise<FrontendMessage | undefined> {
    while (!this.isOver) {
      const message = this.messages.next()
      if (message) return message
      if (this.socket.isPaused()) this.socket.resume()
      await this.change()
    }
    return undefined
  }

  /** No to a kind of encryption; the reader goes on without, or begins another. */
  decline(): void {
    this.takeRequest()
    this.socket.write('N')
  }

  /** Speaks TLS from here on: asked for, or begun by the reader. */
  async secure(identity: TlsIdentity, isAskedFor: boolean): Promise<void> {
    this.socket.off('data', this.hear).off('end', this.end).pause()
    if (isAskedFor) {
      this.takeRequest()
      this.socket.write('S')
    } else {
      this.socket.unshift(this.said)
      this.said = Buffer.alloc(0)
    }
    const secure = await acceptTls(this.connection, identity, { patienceMs: TLS_MS_MAX, requireProtocol: !isAskedFor })
    secure.on('error', (error) => this.connection.destroy(error))
    // The connection under it may be told later than this one, or not at all.
    secure.on('close', () => this.connection.destroy())
    this.socket = secure
    this.listen()
  }

  /** What was said beyond a request that is still to be answered came from somebody in between. */
  private takeRequest(): void {
    if (this.said.length > 8) throw new SyntaxError('bytes came before an answer')
    this.said = Buffer.alloc(0)
  }

  private listen(): void {
    this.socket.on('data', this.hear).on('end', this.end)
  }

  private readonly hear = (piece: Buffer): void => {
    if (this.isOpened) this.messages.push(piece)
    else this.said = Buffer.concat([this.said, piece])
    if (this.said.length + this.messages.bytesKept > UNHEARD_BYTES_MAX) this.socket.pause()
    this.wake()
  }

  private readonly end = (): void => {
    this.isOver = true
    this.wake()
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve
    })
  }
}
