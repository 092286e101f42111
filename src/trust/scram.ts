import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { SCRAM_ITERATIONS } from './limits.ts'
import { saslprep } from './saslprep/saslprep.ts'

export interface ScramOptions {
  /** Random; PostgreSQL itself takes 16 bytes. */
  readonly salt: Uint8Array
  readonly iterations?: number
}

const pbkdf2Async = promisify(pbkdf2)

/**
 * What PostgreSQL stores of a password, and accepts in its place in `CREATE ROLE … PASSWORD`, so that the password
 * itself never reaches a server's log: `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`. Off the main thread.
 */
// RFC 5802, section 3; PostgreSQL 18 manual, 54.8 (pg_authid.rolpassword).
export async function scramVerifier(password: string, options: ScramOptions): Promise<string> {
  const { salt, iterations = SCRAM_ITERATIONS } = options
  const salted = await pbkdf2Async(saslprep(password), salt, iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`
}
