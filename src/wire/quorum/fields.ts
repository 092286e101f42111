import { assert } from '#base/assert.ts'
import { FrameError } from '../agent/frames.ts'
import { NAME_CHARS_MAX, TEXT_BYTES_MAX } from './limits.ts'

const HIGH = 2 ** 32
const NAME = /^[\w.-]+$/

/** Fields one after the other in a buffer: put there, or taken from it. Taking what is not there throws {@link FrameError}. */
export class Fields {
  private readonly buffer: Buffer
  private at = 0

  private constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  static toWrite(bytesMax: number): Fields {
    return new Fields(Buffer.allocUnsafe(bytesMax))
  }

  static toRead(buffer: Buffer): Fields {
    return new Fields(buffer)
  }

  written(): Buffer {
    return this.buffer.subarray(0, this.at)
  }

  skip(bytes: number): void {
    this.at += bytes
  }

  putU8(value: number): void {
    this.at = this.buffer.writeUInt8(value, this.at)
  }

  putU32(value: number): void {
    this.at = this.buffer.writeUInt32BE(value, this.at)
  }

  putU64(value: bigint): void {
    this.at = this.buffer.writeBigUInt64BE(value, this.at)
  }

  putPosition(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `${value} is a position`)
    const high = Math.floor(value / HIGH)
    this.putU32(high)
    this.putU32(value - high * HIGH)
  }

  putName(name: string): void {
    assert(name.length <= NAME_CHARS_MAX && NAME.test(name), `'${name}' is a name`)
    this.putU8(name.length)
    this.at += this.buffer.write(name, this.at, 'latin1')
  }

  putText(text: string): void {
    const bytes = Buffer.from(text)
    assert(bytes.length <= TEXT_BYTES_MAX, `a text has at most ${TEXT_BYTES_MAX} bytes`)
    this.at = this.buffer.writeUInt16BE(bytes.length, this.at)
    this.at += bytes.copy(this.buffer, this.at)
  }

  u8(): number {
    return this.buffer[this.take(1)]!
  }

  u32(): number {
    return this.buffer.readUInt32BE(this.take(4))
  }

  u64(): bigint {
    return this.buffer.readBigUInt64BE(this.take(8))
  }

  position(): number {
    const value = this.u32() * HIGH + this.u32()
    if (!Number.isSafeInteger(value)) throw new FrameError('a position is beyond the end of any log')
    return value
  }

  name(): string {
    const length = this.u8()
    if (length > NAME_CHARS_MAX) throw new FrameError(`a name has ${length} characters`)
    const start = this.take(length)
    const name = this.buffer.toString('latin1', start, start + length)
    if (!NAME.test(name)) throw new FrameError('a name is none')
    return name
  }

  text(): string {
    const length = this.buffer.readUInt16BE(this.take(2))
    if (length > TEXT_BYTES_MAX) throw new FrameError(`a text has ${length} bytes`)
    const start = this.take(length)
    return this.buffer.toString('utf8', start, start + length)
  }

  /** A view of all that is left. */
  rest(): Buffer {
    return this.buffer.subarray(this.take(this.buffer.length - this.at))
  }

  end(): void {
    if (this.at !== this.buffer.length) throw new FrameError('a message is longer than what it says')
  }

  private take(bytes: number): number {
    const start = this.at
    if (start + bytes > this.buffer.length) throw new FrameError('a message is shorter than what it says')
    this.at += bytes
    return start
  }
}
