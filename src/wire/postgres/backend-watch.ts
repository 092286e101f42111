/**
 * What an engine says to a client, cut into messages by their heads alone. A few small ones are looked into; all else
 * passes through as it came, without being copied.
 *
 *   ┌──────┬────────────┬──────────────────────┐
 *   │ type │ length: 32 │ body: length − 4      │   repeated; the length counts itself, and not the type
 *   └──────┴────────────┴──────────────────────┘
 *
 * Source: PostgreSQL 18 manual, 54.7 "Message Formats".
 */
const HEAD_BYTES = 5

/** A captured message that is longer passes unseen. Those that are looked for have a few hundred bytes at most. */
export const CAPTURED_BYTES_MAX = 16 * 1_024

/** Given a whole message of a captured type, without its head; false: neither it nor anything after it passes. */
export type Look = (type: string, body: Buffer) => boolean

export class BackendWatch {
  /** A look has said no. Nothing passes any more. */
  stopped = false
  private readonly captured: ReadonlySet<number>
  private readonly look: Look
  /** Of a message whose head, or whose captured body, is not complete. */
  private kept: Buffer = Buffer.alloc(0)
  /** Of a message that passes unseen. */
  private bytesLeft = 0

  constructor(captured: string, look: Look) {
    this.captured = new Set(Buffer.from(captured))
    this.look = look
  }

  /** What passes of the bytes so far, given another piece, cut anywhere. */
  push(piece: Buffer): Buffer[] {
    if (this.stopped) return []
    const passing: Buffer[] = []
    const bytes = this.kept.length > 0 ? Buffer.concat([this.kept, piece]) : piece
    // What passes begins where the last captured message was taken out, and is one piece mostly.
    const at = this.walk(bytes)
    if (at > 0) passing.push(bytes.subarray(0, at))
    this.kept = this.stopped ? Buffer.alloc(0) : bytes.subarray(at)
    return passing
  }

  /** How many of the bytes pass now. */
  private walk(bytes: Buffer): number {
    let at = Math.min(this.bytesLeft, bytes.length)
    this.bytesLeft -= at
    while (this.bytesLeft === 0 && bytes.length - at >= HEAD_BYTES) {
      const type = bytes[at]!
      const end = at + 1 + bytes.readUInt32BE(at + 1)
      if (this.captured.has(type) && end - at <= CAPTURED_BYTES_MAX) {
        if (end > bytes.length) return at
        if (!this.look(String.fromCharCode(type), bytes.subarray(at + HEAD_BYTES, end))) {
          this.stopped = true
          return at
        }
      }
      // A length below its own four bytes would go backwards: from then on it is not this protocol, and passes as it is.
      this.bytesLeft = end < at + HEAD_BYTES ? Number.POSITIVE_INFINITY : Math.max(end - bytes.length, 0)
      at = end < at + HEAD_BYTES ? bytes.length : Math.min(end, bytes.length)
    }
    return this.bytesLeft > 0 ? bytes.length : at
  }
}

/** The fields of a NoticeResponse or an ErrorResponse, by their letter. */
export function noticeFields(body: Buffer): Map<string, string> {
  const fields = new Map<string, string>()
  for (const field of body.toString('utf8').split('\0')) if (field !== '') fields.set(field[0]!, field.slice(1))
  return fields
}
