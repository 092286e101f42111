/**
 * How messages lie in the stream between serve and an agent: one JSON document a line, UTF-8.
 *
 *   {"type":"hello",…}\n{"type":"observed",…}\n
 *
 * JSON never contains a raw line feed, so a line feed always ends a document.
 */
import { FRAME_BYTES_MAX } from './limits.ts'

const LINE_FEED = 0x0a

export function encodeFrame(message: { readonly type: string }): string {
  return `${JSON.stringify(message)}\n`
}

/** A peer sent what no version of this protocol sends. The connection cannot be used any further. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/** Takes the stream in pieces, cut anywhere, and gives its documents. Throws {@link FrameError}; then it is used up. */
export class FrameDecoder {
  private readonly bytesMax: number
  private pieces: Buffer[] = []
  private bytes = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** Documents that this piece completes. Each is an object with a string `type`; nothing more is checked. */
  push(piece: Buffer): { readonly type: string }[] {
    const documents: { readonly type: string }[] = []
    let start = 0
    for (let end = piece.indexOf(LINE_FEED); end !== -1; end = piece.indexOf(LINE_FEED, start)) {
      this.take(piece.subarray(start, end))
      documents.push(this.complete())
      start = end + 1
    }
    if (start < piece.length) this.take(piece.subarray(start))
    return documents
  }

  private take(piece: Buffer): void {
    this.bytes += piece.length
    if (this.bytes > this.bytesMax) throw new FrameError(`a message is longer than ${this.bytesMax} bytes`)
    this.pieces.push(piece)
  }

  private complete(): { readonly type: string } {
    const line = Buffer.concat(this.pieces, this.bytes).toString('utf8')
    this.pieces = []
    this.bytes = 0
    let document: unknown
    try {
      document = JSON.parse(line)
    } catch (cause) {
      throw new FrameError('a message is not JSON', { cause })
    }
    if (!hasType(document)) throw new FrameError('a message has no type')
    return document
  }
}

function hasType(document: unknown): document is { readonly type: string } {
  return typeof document === 'object' && document !== null && 'type' in document && typeof document.type === 'string'
}

/** For whoever opens a stream: host/one-caller.ts. */
export const FRAMING = { decoder: () => new FrameDecoder(FRAME_BYTES_MAX), encode: encodeFrame }
