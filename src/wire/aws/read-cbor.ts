/**
 * Decodes CBOR (RFC 8949) as RPC v2 clients send it. The SDK's decoder is made for a peer it trusts: a small body can
 * keep it busy for minutes (big numbers) or give an object another prototype, so servers need this one.
 *
 *     first byte: major type (3 bits) | argument (5 bits; 24–27: the next 1, 2, 4 or 8 bytes; 31: indefinite length)
 *     major: 0 unsigned · 1 negative · 2 bytes · 3 text · 4 list · 5 map · 6 tag · 7 simple and float
 *
 * Taken: every type, definite and indefinite lengths, tag 1 (epoch time, which becomes a Date). Other tags are
 * refused: no shape of the services is sent with one.
 */
import { DOCUMENT_DEPTH_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { readTimestampSeconds } from './timestamps.ts'

/** The one item that the bytes hold. Throws {@link Malformed}. Byte strings are views into `bytes`. */
export function decodeCbor(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes)
  const value = reader.item(0)
  reader.end()
  return value
}

const INDEFINITE = 31
const BREAK = 0xff
const TAG_EPOCH = 1

const refuse = (what: string): Malformed => new Malformed('', what, 'CBOR')
/** A byte order mark is a character like any other: `ignoreBOM` means that it stays. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

class Reader {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  end(): void {
    if (this.at !== this.bytes.length) throw refuse('bytes after the document')
  }

  item(depth: number): unknown {
    if (depth > DOCUMENT_DEPTH_MAX) throw refuse('a document nested too deeply')
    const first = this.view.getUint8(this.take(1))
    const major = first >> 5
    const minor = first & 0x1f
    switch (major) {
      case 0:
        return this.argument(minor)
      case 1:
        return -1 - this.argument(minor)
      case 2:
        return this.byteString(minor)
      case 3:
        return this.text(minor)
      case 4:
        return this.list(minor, depth)
      case 5:
        return this.map(minor, depth)
      case 6:
        return this.tagged(minor, depth)
      default:
        return this.simple(minor)
    }
  }

  /** Steps over `count` bytes, which must be there, and says where they start. */
  private take(count: number): number {
    const start = this.at
    if (count > this.bytes.length - start) throw refuse('a document that ends too early')
    this.at += count
    return start
  }

  private argument(minor: number): number {
    if (minor < 24) return minor
    if (minor === 24) return this.view.getUint8(this.take(1))
    if (minor === 25) return this.view.getUint16(this.take(2))
    if (minor === 26) return this.view.getUint32(this.take(4))
    if (minor === 27) return Number(this.view.getBigUint64(this.take(8)))
    throw refuse(`an argument of kind ${minor}`)
  }

  /** Whether an item of indefinite length ends here; steps over the break if it does. */
  private ends(): boolean {
    if (this.view.getUint8(this.take(1)) === BREAK) return true
    this.at--
    return false
  }

  private byteString(minor: number): Uint8Array {
    if (minor !== INDEFINITE) {
      const length = this.argument(minor)
      const start = this.take(length)
      return this.bytes.subarray(start, start + length)
    }
    const parts: Uint8Array[] = []
    while (!this.ends()) parts.push(this.byteString(this.chunk(2)))
    return Buffer.concat(parts)
  }

  private text(minor: number): string {
    if (minor !== INDEFINITE) {
      try {
        return utf8.decode(this.byteString(minor))
      } catch (error) {
        throw error instanceof Malformed ? error : refuse('text that is not UTF-8')
      }
    }
    let text = ''
    while (!this.ends()) text += this.text(this.chunk(3))
    return text
  }

  /** Parts of an indefinite string are definite strings of the same type: nesting them would recurse without a bound. */
  private chunk(major: number): number {
    const first = this.view.getUint8(this.take(1))
    if (first >> 5 !== major || (first & 0x1f) === INDEFINITE) throw refuse('a string of other parts')
    return first & 0x1f
  }

  /** A claimed length is never allocated: items are read one by one, and each takes at least a byte. */
  private list(minor: number, depth: number): unknown[] {
    const out: unknown[] = []
    if (minor === INDEFINITE) while (!this.ends()) out.push(this.item(depth + 1))
    else for (let left = this.argument(minor); left > 0; left--) out.push(this.item(depth + 1))
    return out
  }

  private map(minor: number, depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = []
    const entry = (): void => {
      const key = this.item(depth + 1)
      if (typeof key !== 'string') throw refuse('a key that is not text')
      entries.push([key, this.item(depth + 1)])
    }
    if (minor === INDEFINITE) while (!this.ends()) entry()
    else for (let left = this.argument(minor); left > 0; left--) entry()
    // fromEntries defines properties: a key `__proto__` is a key like any other.
    return Object.fromEntries(entries)
  }

  private tagged(minor: number, depth: number): Date {
    const tag = this.argument(minor)
    const value = this.item(depth + 1)
    if (tag !== TAG_EPOCH || typeof value !== 'number') throw refuse(`tag ${tag}`)
    return readTimestampSeconds(value, '')
  }

  private simple(minor: number): unknown {
    switch (minor) {
      case 20:
        return false
      case 21:
        return true
      case 22:
      case 23:
        return null
      case 25:
        return this.view.getFloat16(this.take(2))
      case 26:
        return this.view.getFloat32(this.take(4))
      case 27:
        return this.view.getFloat64(this.take(8))
      default:
        throw refuse(`simple value ${minor}`)
    }
  }
}
