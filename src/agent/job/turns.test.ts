import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slots, Turns } from './turns.ts'

const never = new AbortController().signal

/** Work that ends when it is told to. */
function held(log: string[], name: string): { work: () => Promise<void>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const work = async (): Promise<void> => {
    log.push(`${name} begins`)
    await promise
    log.push(`${name} ends`)
  }
  return { work, end: resolve }
}

test('work with one key runs in order of arrival, work with another key does not wait', async () => {
  const log: string[] = []
  const turns = new Turns()
  const [one, two, other] = [held(log, 'one'), held(log, 'two'), held(log, 'other')]
  const all = [turns.run('k', never, one.work), turns.run('k', never, two.work), turns.run('x', never, other.work)]
  two.end()
  other.end()
  await all[2]
  assert.deepEqual(log, ['one begins', 'other begins', 'other ends'])
  one.end()
  await Promise.all(all)
  assert.deepEqual(log.slice(3), ['one ends', 'two begins', 'two ends'])
})

test('work that fails gives its turn on', async () => {
  const turns = new Turns()
  await assert.rejects(
    turns.run('k', never, () => Promise.reject(new Error('no'))),
    /no/,
  )
  assert.equal(await turns.run('k', never, async () => 7), 7)
})

test('who gives up waiting leaves at once, and those behind still wait for those before', async () => {
  const log: string[] = []
  const turns = new Turns()
  const [one, three] = [held(log, 'one'), held(log, 'three')]
  const first = turns.run('k', never, one.work)
  const patience = new AbortController()
  const second = turns.run('k', patience.signal, async () => void log.push('two'))
  const third = turns.run('k', never, three.work)
  patience.abort(new Error('gave up'))
  await assert.rejects(second, /gave up/)
  three.end()
  assert.deepEqual(log, ['one begins'])
  one.end()
  await Promise.all([first, third])
  assert.deepEqual(log, ['one begins', 'one ends', 'three begins', 'three ends'])
})

test('slots bound how much runs at once, and one that is given up goes to the next', async () => {
  const log: string[] = []
  const slots = new Slots(1)
  const patience = new AbortController()
  const { promise: told, resolve: tell } = Promise.withResolvers<void>()
  const first = slots.run(never, async () => {
    await told
    // The slot is freed in the very moment in which the one it would go to gives up.
    patience.abort(new Error('gave up'))
    log.push('one')
  })
  const second = assert.rejects(
    slots.run(patience.signal, async () => void log.push('two')),
    /gave up/,
  )
  const third = slots.run(never, async () => void log.push('three'))
  assert.deepEqual(log, [])
  tell()
  await Promise.all([first, second, third])
  assert.deepEqual(log, ['one', 'three'])
  assert.equal(await slots.run(never, async () => 7), 7)
})
