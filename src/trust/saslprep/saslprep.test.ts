import assert from 'node:assert/strict'
import { test } from 'node:test'
import { saslprep } from './saslprep.ts'

test('the examples of RFC 4013, section 3 that it allows are prepared as it says', () => {
  assert.equal(saslprep('I\u00ADX'), 'IX')
  assert.equal(saslprep('user'), 'user')
  assert.equal(saslprep('USER'), 'USER')
  assert.equal(saslprep('\u00AA'), 'a')
  assert.equal(saslprep('\u2168'), 'IX')
})

// The ligature U+FB01 and the superscript U+00B2 show whether a password was normalised or left as it is.
test('a forbidden password stays as it is, also in the parts that would be normalised', () => {
  for (const [why, password] of [
    ['a control character', '\u0007\uFB01'],
    ['a private-use character', '\uE000\uFB01'],
    ['a code point that Unicode 3.2 does not assign', '\u{1F600}\uFB01'],
    ['right-to-left and left-to-right together', '\u0627\uFB01\u0627'],
    ['right-to-left that ends with neither', '\u0627\u00B2'],
    ['right-to-left that begins with neither', '\u00B2\u0627'],
  ] as const) {
    assert.equal(saslprep(password), password, why)
  }
  assert.equal(saslprep('\u0627\u00B2\u0627'), '\u06272\u0627')
})
