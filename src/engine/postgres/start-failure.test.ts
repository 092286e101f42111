import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineError } from '../engine.ts'
import { startFailure } from './start-failure.ts'

// As PostgreSQL 18 says it, with the prefix that RDS puts first.
const prefix = '2026-11-20 14:29:13 UTC::@:[517]:'
const said: readonly (readonly [EngineError['code'], string])[] = [
  [
    'port-busy',
    'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\nFATAL:  could not create any TCP/IP sockets',
  ],
  ['disk-full', 'FATAL:  could not write lock file "postmaster.pid": No space left on device'],
  ['bad-settings', 'FATAL:  could not create semaphores: No space left on device'],
  ['bad-settings', 'LOG:  unrecognized configuration parameter "x" in file "postgresql.conf" line 3'],
  ['bad-settings', 'FATAL:  could not map anonymous shared memory: Cannot allocate memory'],
  ['bad-settings', 'FATAL:  WAL streaming ("max_wal_senders" > 0) requires "wal_level" to be "replica" or "logical"'],
  ['bad-settings', 'FATAL:  logical replication slot "s" exists, but "wal_level" < "logical"'],
  ['bad-settings', 'FATAL:  logical replication slot "s" exists, but wal_level < logical'],
  ['diverged', 'FATAL:  requested timeline 4 does not contain minimum recovery point 0/30217D0 on timeline 3'],
  ['diverged', "FATAL:  requested timeline 4 is not a child of this server's history"],
  ['failed', 'PANIC:  could not locate a valid checkpoint record at 0/2000028'],
]

for (const [code, words] of said) {
  test(`${code}: ${words.split('\n').at(-1)!.slice(0, 60)}`, () => {
    const text = words.replaceAll(/^/gm, prefix)
    const error = startFailure(`${prefix}LOG:  starting PostgreSQL 18.4\n${text}\n`, ['wal_level', 'max_wal_senders'])
    assert.equal(error.code, code)
    assert.doesNotMatch(error.message, /UTC|starting PostgreSQL 18/)
  })
}

test('what is found before anything can be logged counts as well', () => {
  const words =
    'postgres: superuser_reserved_connections (10) plus reserved_connections (0) must be less than max_connections (10)'
  assert.equal(startFailure(words, ['max_connections']).code, 'bad-settings')
})

test('an engine that said nothing failed', () => {
  assert.match(startFailure('', []).message, /it said nothing/)
})
