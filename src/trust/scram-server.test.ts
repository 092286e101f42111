import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { ScramServer } from './scram-server.ts'
import { scramVerifier } from './scram.ts'

const SECRET = Buffer.alloc(32, 1)
const random = (bytes: number): Buffer => Buffer.alloc(bytes, 7)
const verifier = await scramVerifier('pencil', { salt: Buffer.alloc(16, 3) })

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** What a client answers to the server's first message, and what it then expects to hear. */
function answer(
  password: string,
  serverFirst: string,
  clientFirst = 'n=,r=client',
): { final: string; expected: string } {
  const [, nonce = '', salt = '', iterations = ''] = /^r=(.*),s=(.*),i=(.*)$/.exec(serverFirst)!
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  const withoutProof = `c=biws,r=${nonce}`
  const exchange = `${clientFirst},${serverFirst},${withoutProof}`
  const signature = hmac(createHash('sha256').update(clientKey).digest(), exchange)
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!)).toString('base64')
  const expected = `v=${hmac(hmac(salted, 'Server Key'), exchange).toString('base64')}`
  return { final: `${withoutProof},p=${proof}`, expected }
}

test('who knows the password is let in, and sees that the server knows it too', () => {
  const server = new ScramServer(verifier, random, SECRET)
  const { final, expected } = answer('pencil', server.first('n,,n=,r=client'))
  assert.equal(server.final(final), expected)
})

test('who does not know it is not', () => {
  const server = new ScramServer(verifier, random, SECRET)
  assert.equal(server.final(answer('pen', server.first('n,,n=,r=client')).final), undefined)
})

test('a user who is not there cannot be told from one with another password', () => {
  const firsts = [1, 2].map(() => new ScramServer(undefined, random, SECRET).first('n,,n=,r=client'))
  assert.equal(firsts[0], firsts[1])
  assert.match(firsts[0]!, /^r=client[^,]+,s=[A-Za-z0-9+/]{22}==,i=4096$/)
  const server = new ScramServer(undefined, random, SECRET)
  assert.equal(server.final(answer('pencil', server.first('n,,n=,r=client')).final), undefined)
})

test('an exchange with another header, nonce or mechanism is none', () => {
  const begun = (first: string): { server: ScramServer; said: string } => {
    const server = new ScramServer(verifier, random, SECRET)
    return { server, said: server.first(first) }
  }
  assert.throws(() => begun('p=tls-server-end-point,,n=,r=client'), SyntaxError)
  const { server, said } = begun('y,,n=,r=client')
  // `biws` is the header `n,,`.
  assert.throws(() => server.final(answer('pencil', said).final), SyntaxError)
  const other = begun('n,,n=,r=client')
  assert.throws(
    () => other.server.final(answer('pencil', other.said).final.replace('r=client', 'r=Client')),
    SyntaxError,
  )
  assert.throws(() => new ScramServer(verifier, random, SECRET).final('c=biws,r=,p='), SyntaxError)
})

test('whatever is said, nobody is let in by it', () => {
  const said = fc.oneof(fc.string(), fc.constantFrom('n,,n=,r=x', 'c=biws,r=x,p=', 'c=biws,r=,p=AAAA'))
  fc.assert(
    fc.property(said, said, (first, final) => {
      const server = new ScramServer(verifier, random, SECRET)
      try {
        server.first(first)
        assert.equal(server.final(final), undefined)
      } catch (error) {
        assert.ok(error instanceof SyntaxError)
      }
    }),
  )
})
