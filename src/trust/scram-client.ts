/** Logs in where a server keeps a SCRAM verifier: proves that we know the password, and has the server prove it too. */
// RFC 5802, section 3; PostgreSQL 18 manual, 54.3.1. Without channel binding: for sockets of this machine.
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { SCRAM_ITERATIONS_MAX } from './limits.ts'
import { saslprep } from './saslprep/saslprep.ts'

const pbkdf2Async = promisify(pbkdf2)

export const SCRAM_MECHANISM = 'SCRAM-SHA-256'

export class ScramClient {
  private readonly password: string
  private readonly nonce: string
  private expected: Buffer | undefined

  /** `nonce`: random, 18 bytes or more. */
  constructor(password: string, nonce: Uint8Array) {
    this.password = password
    this.nonce = Buffer.from(nonce).toString('base64')
  }

  /** PostgreSQL knows the name from elsewhere. */
  get first(): string {
    return `n,,${this.bareFirst}`
  }

  /** The answer to the server's first message. Throws SyntaxError for what is none. */
  async answer(serverFirst: string): Promise<string> {
    const match = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst)
    const [nonce, salt, iterations] = [match?.[1] ?? '', match?.[2] ?? '', Number(match?.[3])]
    if (!nonce.startsWith(this.nonce) || nonce === this.nonce) throw new SyntaxError('the server did not answer us')
    if (!(iterations > 0 && iterations <= SCRAM_ITERATIONS_MAX)) throw new SyntaxError('an answer that costs too much')
    const salted = await pbkdf2Async(saslprep(this.password), Buffer.from(salt, 'base64'), iterations, 32, 'sha256')
    const mac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
    const withoutProof = `c=biws,r=${nonce}`
    const signed = `${this.bareFirst},${serverFirst},${withoutProof}`
    const proof = mac(salted, 'Client Key')
    const signature = mac(createHash('sha256').update(proof).digest(), signed)
    for (let n = 0; n < proof.length; n++) proof[n]! ^= signature[n]!
    this.expected = mac(mac(salted, 'Server Key'), signed)
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /** Whether the server knows the password too. */
  isProof(serverFinal: string): boolean {
    const proof = Buffer.from(/^v=([^,]+)/.exec(serverFinal)?.[1] ?? '', 'base64')
    return this.expected?.length === proof.length && timingSafeEqual(this.expected, proof)
  }

  private get bareFirst(): string {
    return `n=,r=${this.nonce}`
  }
}
