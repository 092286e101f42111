/**
 * The first packet of a PostgreSQL connection, which is the client's.
 *
 *   ┌────────────┬──────────────┬─────────────────┐      ┌──────┬─ ─
 *   │ length: 32 │ code: 32     │ …               │  or  │ 0x16 │      TLS at once
 *   └────────────┴──────────────┴─────────────────┘      └──────┴─ ─
 *
 * The length counts itself. Source: PostgreSQL 18 manual, 54.7 "Message Formats" and 54.2.10 "SSL Session Encryption".
 */
export type Opening =
  /** Wants to stop what another session does. `packet` is all of it, the connection brings nothing more. */
  | { readonly kind: 'cancel'; readonly pid: number; readonly secret: Buffer; readonly packet: Buffer }
  /** Asks whether TLS is spoken here; the answer is one byte, and then another opening. */
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gss' }
  /** A startup packet of `bytes` in all. */
  | { readonly kind: 'startup'; readonly bytes: number }
  /** A TLS ClientHello, not asked for. */
  | { readonly kind: 'tls' }
  /** No version of the protocol begins like this. */
  | { readonly kind: 'foreign' }

const SSL_REQUEST = 80_877_103
const GSS_REQUEST = 80_877_104
const CANCEL_REQUEST = 80_877_102
const TLS_HANDSHAKE = 0x16
/** MAX_STARTUP_PACKET_LENGTH of the server. */
const STARTUP_BYTES_MAX = 10_000
/** A secret key has at most 256 bytes since protocol 3.2, and 4 before. */
const CANCEL_BYTES_MAX = 12 + 256

/** Undefined while there are too few bytes to tell. */
export function readOpening(bytes: Buffer): Opening | undefined {
  if (bytes.length > 0 && bytes[0] === TLS_HANDSHAKE) return { kind: 'tls' }
  if (bytes.length < 8) return undefined
  const length = bytes.readUInt32BE(0)
  const code = bytes.readUInt32BE(4)
  if (length === 8 && code === SSL_REQUEST) return { kind: 'ssl' }
  if (length === 8 && code === GSS_REQUEST) return { kind: 'gss' }
  if (code === CANCEL_REQUEST) {
    if (length < 16 || length > CANCEL_BYTES_MAX) return { kind: 'foreign' }
    if (bytes.length < length) return undefined
    return {
      kind: 'cancel',
      pid: bytes.readUInt32BE(8),
      secret: Buffer.from(bytes.subarray(12, length)),
      packet: Buffer.from(bytes.subarray(0, length)),
    }
  }
  // Protocol 3.x; what is not supported of it the engine itself refuses best.
  if (code >>> 16 !== 3 || length < 9 || length > STARTUP_BYTES_MAX) return { kind: 'foreign' }
  return { kind: 'startup', bytes: length }
}

/** A client's question whether TLS is spoken. The answer is `S` or `N`. */
export const SSL_REQUEST_PACKET = Buffer.from('0000000804d2162f', 'hex')

/** An ErrorResponse that ends a connection. `code` is an SQLSTATE. */
export function fatalMessage(code: string, message: string): Buffer {
  const fields = `SFATAL\0VFATAL\0C${code}\0M${message}\0\0`
  const packet = Buffer.alloc(5 + Buffer.byteLength(fields))
  packet.write('E')
  packet.writeUInt32BE(packet.length - 1, 1)
  packet.write(fields, 5)
  return packet
}
