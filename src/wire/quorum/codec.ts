/**
 * How messages of the quorum log lie on a connection. All numbers are big-endian.
 *
 *   frame    length u32, of all that follows · type u8 · members u8 · that many names · fields · payload
 *   name     length u8 · ASCII
 *   text     length u16 · UTF-8
 *   history  entries u32 · each: epoch u32 · start u64
 *
 * A payload, bytes of the log, is what is left of the frame: it is neither copied to be sent nor, where it came in one
 * piece, to be read.
 */
import { assert } from '#base/assert.ts'
import { FrameError } from '../agent/frames.ts'
import { Fields } from './fields.ts'
import { FRAME_BYTES_MAX, HISTORY_ENTRIES_MAX, MEMBERS_MAX, PAYLOAD_BYTES_MAX } from './limits.ts'
import type { Epoch, EpochStart, History, MemberId } from './messages.ts'
import type { Frame, Hello, WireMessage } from './opening.ts'

/** By the number that stands for it on the wire, from 1. Never changed, only added to. */
const TYPES = [
  ...(['hello', 'welcome', 'turned-away', 'present'] as const),
  ...(['seal', 'adopt', 'append', 'durable', 'release', 'repair', 'ping'] as const),
  ...(['sealed', 'refused', 'adopted', 'flushed', 'gap', 'pong'] as const),
  ...(['read', 'piece'] as const),
] satisfies WireMessage['type'][]

const NUMBERS = new Map<string, number>(TYPES.map((type, index) => [type, index + 1]))

/** What a hello begins with, so that nobody who speaks another protocol by mistake is taken for one of us. */
const MAGIC = 0x48_46_51_4c

const LENGTH_BYTES = 4
const ENTRY_BYTES = 12
/** All fields of fixed length of any message, and its numbers of things. */
const FIXED_BYTES = 64

/** The pieces to be written, in order. The second one, if any, is the message's own payload. */
export function encodeFrame(members: readonly MemberId[], message: WireMessage): [Buffer] | [Buffer, Buffer] {
  const payload = 'bytes' in message ? message.bytes : undefined
  const payloadBytes = payload?.length ?? 0
  assert(payloadBytes <= PAYLOAD_BYTES_MAX, `a payload has at most ${PAYLOAD_BYTES_MAX} bytes`)
  assert(members.length <= MEMBERS_MAX, `a frame names at most ${MEMBERS_MAX} members`)
  const fields = Fields.toWrite(LENGTH_BYTES + roomFor(members, message))
  fields.skip(LENGTH_BYTES)
  fields.putU8(NUMBERS.get(message.type)!)
  fields.putU8(members.length)
  for (const member of members) fields.putName(member)
  putMessage(fields, message)
  const header = fields.written()
  header.writeUInt32BE(header.length - LENGTH_BYTES + payloadBytes, 0)
  return payload && payloadBytes > 0 ? [header, payload] : [header]
}

/** No less than the header takes. */
function roomFor(members: readonly MemberId[], message: WireMessage): number {
  let bytes = FIXED_BYTES
  for (const member of members) bytes += 1 + member.length
  if ('history' in message) bytes += message.history.length * ENTRY_BYTES
  if (message.type === 'hello') bytes += message.volume.length + FIXED_BYTES * 2
  if (message.type === 'repair') bytes += message.from.length
  if (message.type === 'release') bytes += Buffer.byteLength(message.reader)
  if (message.type === 'turned-away') bytes += Buffer.byteLength(message.reason)
  return bytes
}

function putMessage(to: Fields, message: WireMessage): void {
  if ('epoch' in message) to.putU32(message.epoch)
  switch (message.type) {
    case 'hello':
      return putHello(to, message)
    case 'welcome':
    case 'present':
    case 'seal':
      return
    case 'turned-away':
      return to.putText(message.reason)
    case 'adopt':
      return putHistory(to, message.history)
    case 'append':
      to.putU8(message.sync === 'now' ? 1 : 0)
      to.putPosition(message.position)
      return to.putPosition(message.durable)
    case 'durable':
      return to.putPosition(message.durable)
    case 'release':
      to.putPosition(message.position)
      return to.putText(message.reader)
    case 'repair':
      to.putPosition(message.position)
      return to.putName(message.from)
    case 'ping':
      return to.putPosition(message.sequence)
    case 'pong':
      to.putPosition(message.sequence)
      to.putU64(message.xmin)
      return to.putU64(message.catalogXmin)
    case 'sealed':
      for (const position of [message.end, message.durable, message.first]) to.putPosition(position)
      return putHistory(to, message.history)
    case 'refused':
      return to.putU32(message.promised)
    case 'adopted':
      to.putU32(message.last)
      return to.putPosition(message.end)
    case 'flushed':
    case 'gap':
      return to.putPosition(message.end)
    case 'read':
      to.putPosition(message.position)
      return to.putU32(message.bytesMax)
    case 'piece':
      to.putPosition(message.position)
      return to.putU32(message.dataEpoch)
    default:
      message satisfies never
  }
}

function putHello(to: Fields, { protocol, volume, who }: Hello): void {
  to.putU32(MAGIC)
  to.putU32(protocol)
  to.putName(volume)
  to.putU8(who.role === 'head' ? 1 : 2)
  if (who.role === 'head') to.putU32(who.epoch)
  else to.putName(who.member)
}

function putHistory(to: Fields, history: History): void {
  assert(history.length <= HISTORY_ENTRIES_MAX, `a history has at most ${HISTORY_ENTRIES_MAX} epochs`)
  to.putU32(history.length)
  for (const { epoch, start } of history) {
    to.putU32(epoch)
    to.putPosition(start)
  }
}

/** Of a whole frame without its length. Throws {@link FrameError} for anything that {@link encodeFrame} does not make. */
function decodeFrame(bytes: Buffer): Frame {
  const from = Fields.toRead(bytes)
  const type = TYPES[from.u8() - 1]
  if (type === undefined) throw new FrameError('a message is of an unknown type')
  const count = from.u8()
  if (count > MEMBERS_MAX) throw new FrameError(`a message names ${count} members`)
  const members = Array.from({ length: count }, () => from.name())
  const message = takeMessage(from, type)
  from.end()
  return { members, message }
}

/** The order of a literal's members is the order of the fields. */
function takeMessage(from: Fields, type: WireMessage['type']): WireMessage {
  switch (type) {
    case 'hello':
      return takeHello(from)
    case 'welcome':
    case 'present':
      return { type }
    case 'turned-away':
      return { type, reason: from.text() }
    case 'seal':
      return { type, epoch: from.u32() }
    case 'adopt':
      return { type, epoch: from.u32(), history: takeHistory(from) }
    case 'append':
      return { type, epoch: from.u32(), sync: takeSync(from), ...takeAppend(from) }
    case 'durable':
      return { type, epoch: from.u32(), durable: from.position() }
    case 'release':
      return { type, epoch: from.u32(), position: from.position(), reader: from.text() }
    case 'repair':
      return { type, epoch: from.u32(), position: from.position(), from: from.name() }
    case 'ping':
      return { type, epoch: from.u32(), sequence: from.position() }
    case 'pong':
      return { type, epoch: from.u32(), sequence: from.position(), xmin: from.u64(), catalogXmin: from.u64() }
    case 'sealed':
      return { type, epoch: from.u32(), ...takeSealed(from) }
    case 'refused':
      return { type, epoch: from.u32(), promised: from.u32() }
    case 'adopted':
      return { type, epoch: from.u32(), last: from.u32(), end: from.position() }
    case 'flushed':
    case 'gap':
      return { type, epoch: from.u32(), end: from.position() }
    case 'read':
      return { type, position: from.position(), bytesMax: from.u32() }
    case 'piece':
      return { type, position: from.position(), dataEpoch: from.u32(), bytes: takePayload(from) }
    default:
      return type satisfies never
  }
}

function takeHello(from: Fields): Hello {
  if (from.u32() !== MAGIC) throw new FrameError('this is not the protocol of the quorum log')
  const [protocol, volume, role] = [from.u32(), from.name(), from.u8()]
  if (role !== 1 && role !== 2) throw new FrameError('a caller has an unknown role')
  const who = role === 1 ? { role: 'head' as const, epoch: from.u32() } : { role: 'peer' as const, member: from.name() }
  return { type: 'hello', protocol, volume, who }
}

function takeSync(from: Fields): 'now' | 'soon' {
  const sync = from.u8()
  if (sync > 1) throw new FrameError('an append is to be synced at an unknown time')
  return sync === 1 ? 'now' : 'soon'
}

function takeAppend(from: Fields): { position: number; durable: number; bytes: Buffer } {
  return { position: from.position(), durable: from.position(), bytes: takePayload(from) }
}

function takeSealed(from: Fields): { end: number; durable: number; first: number; history: History } {
  return { end: from.position(), durable: from.position(), first: from.position(), history: takeHistory(from) }
}

function takePayload(from: Fields): Buffer {
  const bytes = from.rest()
  if (bytes.length > PAYLOAD_BYTES_MAX) throw new FrameError(`a payload has ${bytes.length} bytes`)
  return bytes
}

function takeHistory(from: Fields): History {
  const count = from.u32()
  if (count > HISTORY_ENTRIES_MAX) throw new FrameError(`a history has ${count} epochs`)
  const history: EpochStart[] = []
  let [epochBefore, startBefore]: [Epoch, number] = [0, 0]
  for (let at = 0; at < count; at++) {
    const [epoch, start] = [from.u32(), from.position()]
    if (epoch <= epochBefore || start < startBefore) throw new FrameError('a history goes backwards')
    history.push({ epoch, start })
    ;[epochBefore, startBefore] = [epoch, start]
  }
  return history
}

/** Takes a connection's bytes in pieces, cut anywhere, and gives its frames. */
export class QuorumDecoder {
  private bytesMax: number
  private readonly lengthBytes = Buffer.alloc(LENGTH_BYTES)
  private lengthHave = 0
  /** A frame that came in more than one piece, and how much of it is there. */
  private frame: Buffer | undefined
  private have = 0

  /** `bytesMax`: of a frame, to begin with. */
  constructor(bytesMax: number = FRAME_BYTES_MAX) {
    this.bytesMax = bytesMax
  }

  /** From the next frame on they may be longer. */
  allow(bytesMax: number): void {
    this.bytesMax = bytesMax
  }

  /**
   * Frames that this piece completes; their payloads may lie in it. Throws {@link FrameError} where it cannot be read:
   * then, and when the caller leaves off before the last one, the decoder is used up.
   */
  *push(piece: Buffer): Generator<Frame, void, undefined> {
    let at = 0
    while (at < piece.length) {
      if (this.frame) {
        const count = piece.copy(this.frame, this.have, at)
        this.have += count
        at += count
        if (this.have < this.frame.length) return
        const whole = this.frame
        this.frame = undefined
        yield decodeFrame(whole)
        continue
      }
      const count = piece.copy(this.lengthBytes, this.lengthHave, at)
      this.lengthHave += count
      at += count
      if (this.lengthHave < LENGTH_BYTES) return
      this.lengthHave = 0
      const length = this.lengthBytes.readUInt32BE(0)
      if (length > this.bytesMax) throw new FrameError(`a message has ${length} bytes; at most ${this.bytesMax}`)
      if (length <= piece.length - at) {
        at += length
        yield decodeFrame(piece.subarray(at - length, at))
      } else {
        this.frame = Buffer.allocUnsafeSlow(length)
        this.have = 0
      }
    }
  }
}
