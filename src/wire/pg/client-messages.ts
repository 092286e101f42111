/** What a client of the replication protocol sends to a server, and how it reads the answers' bodies. */
// PostgreSQL 18 manual, 54.4 and 54.7.
import { POSTGRES_EPOCH_US } from './replication-messages.ts'

const PROTOCOL_3 = 196_608

export function startupPacket(parameters: Readonly<Record<string, string>>): Buffer {
  const words = Object.entries(parameters).flat()
  const body = Buffer.from(`${words.map((word) => `${word}\0`).join('')}\0`)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(head.length + body.length, 0)
  head.writeUInt32BE(PROTOCOL_3, 4)
  return Buffer.concat([head, body])
}

export const queryMessage = (text: string): Buffer => message('Q', Buffer.from(`${text}\0`))

export function saslInitial(mechanism: string, said: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(said))
  return message('p', Buffer.from(`${mechanism}\0`), length, Buffer.from(said))
}

export const saslResponse = (said: string): Buffer => message('p', Buffer.from(said))

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeUInt32BE(4 + parts.reduce((sum, { length }) => sum + length, 0), 1)
  return Buffer.concat([head, ...parts])
}

/**
 * Inside of CopyData: everything before `position` is safe. It is given as written, flushed and applied alike: a commit
 * that is content with less waits for as much. `nowMs`: wall time.
 * `wantsReply`: the server is to say at once how far it is.
 */
export function standbyStatus(position: number, nowMs: number, wantsReply = false): Buffer {
  const bytes = Buffer.allocUnsafe(39)
  bytes.write('d', 0, 'latin1')
  bytes.writeUInt32BE(38, 1)
  bytes.write('r', 5, 'latin1')
  const [high, low] = [Math.floor(position / 2 ** 32), position % 2 ** 32]
  for (const at of [6, 14, 22]) {
    bytes.writeUInt32BE(high, at)
    bytes.writeUInt32BE(low, at + 4)
  }
  bytes.writeBigInt64BE(BigInt(Math.round(nowMs * 1_000) - POSTGRES_EPOCH_US), 30)
  bytes[38] = wantsReply ? 1 : 0
  return bytes
}

/**
 * Inside of CopyData: rows that these transactions, with the epoch of their number, may still see are needed here. 0: none are.
 * `nowMs`: wall time.
 */
export function standbyFeedback(oldest: { xmin: bigint; catalogXmin: bigint }, nowMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(30)
  bytes.write('d', 0, 'latin1')
  bytes.writeUInt32BE(29, 1)
  bytes.write('h', 5, 'latin1')
  bytes.writeBigInt64BE(BigInt(Math.round(nowMs * 1_000) - POSTGRES_EPOCH_US), 6)
  for (const [at, transaction] of [[14, oldest.xmin] as const, [22, oldest.catalogXmin] as const]) {
    bytes.writeUInt32BE(Number(BigInt.asUintN(32, transaction)), at)
    bytes.writeUInt32BE(Number(transaction >> 32n), at + 4)
  }
  return bytes
}

export type Authentication =
  | { readonly type: 'ok' }
  | { readonly type: 'sasl'; readonly mechanisms: readonly string[] }
  | { readonly type: 'sasl-continue' | 'sasl-final'; readonly said: string }
  | { readonly type: 'other'; readonly code: number }

/** The body of an 'R'. */
export function readAuthentication(body: Buffer): Authentication {
  const code = body.readUInt32BE(0)
  const said = body.toString('utf8', 4)
  switch (code) {
    case 0:
      return { type: 'ok' }
    case 10:
      return { type: 'sasl', mechanisms: said.split('\0').filter((name) => name !== '') }
    case 11:
      return { type: 'sasl-continue', said }
    case 12:
      return { type: 'sasl-final', said }
    default:
      return { type: 'other', code }
  }
}

/** The body of a 'D': one text for each column; undefined: NULL. */
export function readDataRow(body: Buffer): (string | undefined)[] {
  let at = 2
  return Array.from({ length: body.readUInt16BE(0) }, () => {
    const length = body.readInt32BE(at)
    at += 4
    if (length < 0) return undefined
    at += length
    return body.toString('utf8', at - length, at)
  })
}

/** The server's ErrorResponse. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError'
  /** SQLSTATE. */
  readonly code: string

  constructor(message: string, code: string) {
    super(message)
    this.code = code
  }
}

/** The body of an 'E'. */
export function readError(body: Buffer): PostgresError {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .filter((field) => field !== '')
      .map((field) => [field[0], field.slice(1)]),
  )
  return new PostgresError(fields.get('M') ?? 'no message', fields.get('C') ?? '')
}

export interface Keepalive {
  /** Where the server's log ends, of which we may have all. */
  readonly end: number
  /** Wall time of the server, in milliseconds. */
  readonly sentAtMs: number
  /** It wants an answer at once. */
  readonly wantsReply: boolean
}

/** Of a 'k', the body of a CopyData. Undefined: it is another message. */
export function readKeepalive(body: Buffer): Keepalive | undefined {
  if (body[0] !== 0x6b || body.length < 18) return undefined
  return {
    end: Number(body.readBigUInt64BE(1)),
    sentAtMs: (Number(body.readBigInt64BE(9)) + POSTGRES_EPOCH_US) / 1_000,
    wantsReply: body[17] === 1,
  }
}
