import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pending } from './pending.ts'

test('each reply reaches the request that it names, in any order', async () => {
  const pending = new Pending()
  const [one, two] = [pending.open(), pending.open()]
  pending.resolve(two.seq, 'second')
  pending.resolve(one.seq, 'first')
  assert.deepEqual(await Promise.all([one.reply, two.reply]), ['first', 'second'])
  assert.equal(pending.size, 0)
})

test('a lost connection fails whoever waits, and late or unknown replies are dropped', async () => {
  const pending = new Pending()
  const [one, two] = [pending.open(), pending.open()]
  const lost = new Error('lost')
  pending.rejectAll(lost)
  await assert.rejects(one.reply, lost)
  await assert.rejects(two.reply, lost)
  pending.resolve(one.seq, 'late')
  pending.reject(99, lost)
  assert.equal(pending.size, 0)
})
