import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Doubt } from './doubt.ts'

/** What a session of one command says, in two pieces. */
function command(doubt: Doubt, tag: string): boolean {
  doubt.completed(tag)
  const whenDone = doubt.isRaised()
  return isReady(doubt) || whenDone
}

function isReady(doubt: Doubt, state = 'I'): boolean {
  doubt.ready(state)
  return doubt.isRaised()
}

test('a session that nobody cancels is in no doubt', () => {
  const doubt = new Doubt()
  for (const tag of ['INSERT 0 1', 'COMMIT', 'SELECT 3', 'DOMAIN']) assert.equal(command(doubt, tag), false)
})

test('what can commit on its way is doubted each time, and nothing after it', () => {
  const doubt = new Doubt()
  for (const tag of ['CALL', 'DO']) {
    assert.equal(command(doubt, tag), true)
    assert.equal(command(doubt, 'INSERT 0 1'), false)
  }
})

test('a request to cancel raises doubt until the engine was ready twice after it has arrived', async () => {
  const doubt = new Doubt()
  const arrival = Promise.withResolvers<boolean>()
  const cancelled = doubt.cancelled(arrival.promise)
  for (let n = 0; n < 5; n++) assert.equal(command(doubt, 'INSERT 0 1'), true)
  arrival.resolve(true)
  await cancelled
  assert.equal(isReady(doubt), true)
  assert.equal(isReady(doubt), true)
  assert.equal(isReady(doubt), false)
})

test('one that nobody knows to have arrived is expected for ever', async () => {
  const doubt = new Doubt()
  await doubt.cancelled(Promise.resolve(false))
  for (let n = 0; n < 5; n++) assert.equal(command(doubt, 'SELECT 1'), true)
})

test('an error is no success that could be doubted, unless something was done before it', async () => {
  const doubt = new Doubt()
  await doubt.cancelled(Promise.resolve(true))
  doubt.failed()
  assert.equal(isReady(doubt), false)
  doubt.completed('COMMIT')
  doubt.failed()
  assert.equal(isReady(doubt), true)
})

test('within a transaction block nothing is committed, up to its end', async () => {
  const doubt = new Doubt()
  await doubt.cancelled(Promise.resolve(false))
  doubt.completed('BEGIN')
  assert.equal(isReady(doubt, 'T'), false)
  doubt.completed('INSERT 0 1')
  doubt.completed('DO')
  assert.equal(isReady(doubt, 'T'), false)
  doubt.completed('COMMIT')
  assert.equal(doubt.isRaised(), true)
  assert.equal(isReady(doubt), true)
  doubt.completed('INSERT 0 1')
  doubt.completed('BEGIN')
  assert.equal(isReady(doubt, 'T'), true)
  doubt.completed('COMMIT')
  assert.equal(isReady(doubt, 'T'), true, 'COMMIT AND CHAIN')
})

test('a mark of its process raises doubt for as long as the session lives, and those of others do not', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-doubt-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const doubt = new Doubt()
  doubt.session(42, folder)
  writeFileSync(join(folder, '421'), '')
  assert.equal(command(doubt, 'SELECT 1'), false)
  writeFileSync(join(folder, '42'), '')
  assert.equal(command(doubt, 'SELECT 1'), true)
  rmSync(join(folder, '42'))
  assert.equal(command(doubt, 'SELECT 1'), true)
})
