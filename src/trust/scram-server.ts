/** The server's side of SCRAM-SHA-256, given what {@link scramVerifier} made of the password. */
// RFC 5802; RFC 7677; PostgreSQL 18 manual, 54.3.1.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { SCRAM_ITERATIONS } from './limits.ts'

export const SCRAM_SHA_256 = 'SCRAM-SHA-256'

const KEY_BYTES = 32
const SALT_BYTES = 16
const NONCE_BYTES = 18

/** One exchange. Throws SyntaxError for what is not SCRAM, or SCRAM that was not offered. */
export class ScramServer {
  private readonly verifier: Verifier
  private readonly isKnown: boolean
  private readonly nonce: string
  private header = ''
  private clientFirst = ''
  private serverFirst = ''

  /**
   * Without a verifier, for a user who is not there, the exchange goes on like any other and fails at its end. `secret` is
   * the server's own: from it comes the salt that such a user seems to have, the same at each attempt.
   */
  constructor(verifier: string | undefined, random: (bytes: number) => Buffer, secret: Buffer) {
    this.isKnown = verifier !== undefined
    this.verifier = verifier === undefined ? seeming(secret) : parseVerifier(verifier)
    this.nonce = random(NONCE_BYTES).toString('base64')
  }

  /** Given the client's first message, the server's. */
  first(said: string): string {
    // Channel binding is not offered: `n`, or `y` of a client that would.
    const match = /^([ny],(?:a=[^,]*)?,)(n=[^,]*,r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s.exec(said)
    if (!match) throw new SyntaxError('no first message of SCRAM-SHA-256')
    this.header = match[1]!
    this.clientFirst = match[2]!
    const { salt, iterations } = this.verifier
    this.serverFirst = `r=${match[3]!}${this.nonce},s=${salt},i=${iterations}`
    return this.serverFirst
  }

  /** Given the client's last message, the server's; undefined: it does not know the password. */
  final(said: string): string | undefined {
    const match = /^(c=([^,]*),r=([^,]*)(?:,.*)?),p=([^,]*)$/s.exec(said)
    if (!match || this.serverFirst === '') throw new SyntaxError('no final message of SCRAM-SHA-256')
    const [, withoutProof = '', binding = '', nonce = '', proofText = ''] = match
    const proof = Buffer.from(proofText, 'base64')
    if (Buffer.from(binding, 'base64').toString() !== this.header) throw new SyntaxError('the header is another one')
    if (!this.serverFirst.startsWith(`r=${nonce},`) || proof.length !== KEY_BYTES)
      throw new SyntaxError('the final message belongs to another exchange')
    const exchange = `${this.clientFirst},${this.serverFirst},${withoutProof}`
    const { storedKey, serverKey } = this.verifier
    const signature = hmac(storedKey, exchange)
    const clientKey = proof.map((byte, at) => byte ^ signature[at]!)
    const isRight = timingSafeEqual(createHash('sha256').update(clientKey).digest(), storedKey)
    return isRight && this.isKnown ? `v=${hmac(serverKey, exchange).toString('base64')}` : undefined
  }
}

interface Verifier {
  readonly iterations: number
  /** In base64, as it is sent. */
  readonly salt: string
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

function parseVerifier(text: string): Verifier {
  const match = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/.exec(text)
  const [storedKey, serverKey] = [Buffer.from(match?.[3] ?? '', 'base64'), Buffer.from(match?.[4] ?? '', 'base64')]
  if (!match || storedKey.length !== KEY_BYTES || serverKey.length !== KEY_BYTES)
    throw new SyntaxError('no verifier of SCRAM-SHA-256')
  return { iterations: Number(match[1]), salt: match[2]!, storedKey, serverKey }
}

function seeming(secret: Buffer): Verifier {
  const salt = hmac(secret, 'salt').subarray(0, SALT_BYTES).toString('base64')
  const key = hmac(secret, 'key')
  return { iterations: SCRAM_ITERATIONS, salt, storedKey: key, serverKey: key }
}
