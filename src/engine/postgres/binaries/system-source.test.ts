import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseVersion } from './system-source.ts'

test('the version is found in what distributions and builds say', () => {
  assert.equal(parseVersion('postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n'), '15.18')
  assert.equal(parseVersion('postgres (PostgreSQL) 17.2\n'), '17.2')
})

test('versions that Holdfast does not know are not offered', () => {
  assert.equal(parseVersion('postgres (PostgreSQL) 9.6.24\n'), undefined)
  assert.equal(parseVersion('postgres (PostgreSQL) 11.22\n'), undefined)
  assert.equal(parseVersion('postgres (PostgreSQL) 19.1\n'), undefined)
  assert.equal(parseVersion('postgres (PostgreSQL) 18beta1\n'), undefined)
  assert.equal(parseVersion('something else 15.2'), undefined)
})
