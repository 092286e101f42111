/**
 * What a client says once it is past its startup packet, cut into messages.
 *
 *   ┌──────┬────────────┬──────────────────────┐
 *   │ type │ length: 32 │ body: length − 4      │   the length counts itself, and not the type
 *   └──────┴────────────┴──────────────────────┘
 */
// PostgreSQL 18 manual, 54.7.

export interface FrontendMessage {
  readonly type: string
  readonly body: Buffer
}

const HEAD_BYTES = 5

/** Keeps at most one message that is not complete, of a length that was found bearable. */
export class FrontendReader {
  private kept: Buffer = Buffer.alloc(0)
  private readonly bodyBytesMax: number

  constructor(bodyBytesMax: number) {
    this.bodyBytesMax = bodyBytesMax
  }

  /** The next bytes, cut anywhere. */
  push(piece: Buffer): void {
    this.kept = this.kept.length > 0 ? Buffer.concat([this.kept, piece]) : piece
  }

  get bytesKept(): number {
    return this.kept.length
  }

  /** Undefined until there is a whole one. Throws RangeError for a message that is longer than allowed, or than can be. */
  next(): FrontendMessage | undefined {
    if (this.kept.length < HEAD_BYTES) return undefined
    const bytes = this.kept.readUInt32BE(1) - 4
    if (bytes < 0 || bytes > this.bodyBytesMax) throw new RangeError(`a message of ${bytes} bytes`)
    const end = HEAD_BYTES + bytes
    if (this.kept.length < end) return undefined
    const message = { type: String.fromCharCode(this.kept[0]!), body: this.kept.subarray(HEAD_BYTES, end) }
    this.kept = this.kept.subarray(end)
    return message
  }
}
