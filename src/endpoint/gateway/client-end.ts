/** A client's side of a connection until an engine takes it over: what it has said that nobody has heard yet. */
import type { Socket } from '#host/net.ts'
import { acceptTls, type TlsIdentity } from '#host/tls.ts'
import { readOpening, type Opening } from '#wire/postgres/opening.ts'
import { OPENING_BYTES_MAX, TLS_MS_MAX } from '../limits.ts'

export class ClientEnd {
  /** Bytes go this way; a TLS socket over the first one once TLS is spoken. */
  socket: Socket
  /** The client says nothing more. */
  hasEnded = false
  /** Called when the client has said something, or has ended. */
  onChange: () => void = () => {}
  private readonly connection: Socket
  private said: Buffer[] = []
  private saidBytes = 0

  constructor(connection: Socket, onError: (error: Error) => void, onClose: () => void) {
    this.connection = connection
    this.socket = connection
    connection.on('error', onError).on('close', onClose)
    this.listen()
  }

  get isEncrypted(): boolean {
    return this.socket !== this.connection
  }

  /** What the client begins with; undefined while there is too little of it. */
  opening(): Opening | undefined {
    return readOpening(Buffer.concat(this.said))
  }

  /**
   * Speaks TLS from here on. An answer tells the client that it may begin; whatever it has said beyond its request came
   * from somebody in between, and is refused.
   */
  async secure(identity: TlsIdentity, answer: 'S' | undefined): Promise<void> {
    if (answer === undefined) this.socket.unshift(Buffer.concat(this.release()))
    else {
      const extra = this.take(8)
      this.release()
      if (extra > 0) throw new Error('bytes came before TLS')
      this.socket.write(answer)
    }
    const how = { patienceMs: TLS_MS_MAX, requireProtocol: answer === undefined }
    const secure = await acceptTls(this.connection, identity, how)
    secure.on('error', (error) => this.connection.destroy(error))
    // The connection under it may be told later than this one, or not at all.
    secure.on('close', () => this.connection.destroy())
    this.socket = secure
    this.listen()
  }

  /** No to a kind of encryption; the client goes on without, or begins another. */
  decline(): void {
    if (this.take(8) > 0) throw new Error('bytes came before an answer')
    this.socket.write('N')
  }

  /** Listens no longer; what was said is the caller's. */
  release(): Buffer[] {
    const { said } = this
    this.socket.off('data', this.hear).off('end', this.noteEnd)
    // Nobody takes what comes now; whoever pipes the socket makes it flow again.
    this.socket.pause()
    this.said = []
    this.saidBytes = 0
    return said
  }

  /** Ends the connection at once: no byte is passed on after this. */
  abort(): void {
    this.socket.unpipe()
    // Of the TLS socket only the connection under it can be reset.
    if (this.isEncrypted) this.socket.destroy()
    this.connection.resetAndDestroy()
    this.said = []
  }

  /** Says the last thing, and ends when the client has it. */
  endWith(bytes: Buffer | undefined): void {
    if (bytes) this.socket.write(bytes)
    this.socket.unpipe()
    // What the client still says is of no interest, and must not keep its end from being seen.
    this.socket.resume()
    this.socket.destroySoon()
  }

  private listen(): void {
    this.socket.on('data', this.hear).on('end', this.noteEnd)
  }

  private readonly hear = (piece: Buffer): void => {
    this.said.push(piece)
    this.saidBytes += piece.length
    // More than this is said only by a client that does not wait for answers; it goes on once it has an engine.
    if (this.saidBytes > OPENING_BYTES_MAX) this.socket.pause()
    this.onChange()
  }

  private readonly noteEnd = (): void => {
    this.hasEnded = true
    this.onChange()
  }

  /** Drops the first bytes of what was said; how many are left. */
  private take(count: number): number {
    const rest = Buffer.concat(this.said).subarray(count)
    this.said = rest.length > 0 ? [rest] : []
    this.saidBytes = rest.length
    return rest.length
  }
}
