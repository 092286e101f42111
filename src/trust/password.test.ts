import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '#host/random.ts'
import { randomPassword } from './password.ts'

test('a password has 28 characters of every kind and none that RDS refuses', () => {
  for (let i = 0; i < 200; i++) {
    const password = randomPassword(systemRandom)
    assert.match(password, /^[!-~]{28}$/)
    assert.doesNotMatch(password, /[/"'@ ]/)
    for (const kind of [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/]) assert.match(password, kind)
  }
})

test('every admissible character occurs, and no password twice', () => {
  const passwords = Array.from({ length: 500 }, () => randomPassword(systemRandom))
  assert.equal(new Set(passwords).size, 500)
  // 94 printable characters but the space, without the four that are refused.
  assert.equal(new Set(passwords.join('')).size, 94 - 4)
})

test('a password too short for all kinds is refused instead of drawn for ever', () => {
  assert.equal(randomPassword(systemRandom, 4).length, 4)
  assert.throws(() => randomPassword(systemRandom, 3), /3 characters/)
})
