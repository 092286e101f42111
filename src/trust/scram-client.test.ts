import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { ScramClient } from './scram-client.ts'
import { scramVerifier } from './scram.ts'

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** A server that has nothing but the verifier. */
async function logIn(password: string, known: string): Promise<{ isIn: boolean; isServer: boolean }> {
  const verifier = await scramVerifier(known, { salt: Buffer.from('some salt'), iterations: 5_000 })
  const [, iterations, salt, storedKey, serverKey] = /^SCRAM-SHA-256\$(\d+):(.+)\$(.+):(.+)$/.exec(verifier)!
  const client = new ScramClient(password, Buffer.from('eighteen bytes....'))
  const bare = client.first.replace(/^n,,/, '')
  const serverFirst = `${bare.replace(/^n=,/, '')}server,s=${salt},i=${iterations}`
  const final = await client.answer(serverFirst)
  const [, withoutProof, proof] = /^(c=biws,r=.+),p=(.+)$/.exec(final)!
  const signed = `${bare},${serverFirst},${withoutProof}`
  const stored = Buffer.from(storedKey!, 'base64')
  const signature = hmac(stored, signed)
  const clientKey = Buffer.from(proof!, 'base64').map((byte, n) => byte ^ signature[n]!)
  const isIn = createHash('sha256').update(clientKey).digest().equals(stored)
  const said = `v=${hmac(Buffer.from(serverKey!, 'base64'), signed).toString('base64')}`
  return { isIn, isServer: client.isProof(said) && !client.isProof('v=AAAA') && !client.isProof('e=other-error') }
}

test('who knows the password is let in, and knows that the server knows it', async () => {
  for (const password of ['Plain!pass', '\u2168 and I\u00ADX', ''])
    assert.deepEqual(await logIn(password, password), { isIn: true, isServer: true })
  assert.deepEqual(await logIn('wrong', 'right'), { isIn: false, isServer: false })
})

test('an answer to somebody else, or one that would keep us busy for days, is refused', async () => {
  const client = new ScramClient('password', Buffer.from('eighteen bytes....'))
  const nonce = /r=(.+)$/.exec(client.first)![1]!
  const bad = [
    `r=other,s=AAAA,i=4096`,
    `r=${nonce},s=AAAA,i=4096`,
    `r=${nonce}x,s=AAAA,i=999999999`,
    'e=unknown-user',
    '',
  ]
  for (const first of bad) await assert.rejects(client.answer(first), SyntaxError)
  assert.equal(client.isProof('v='), false)
})
