import assert from 'node:assert/strict'
import test from 'node:test'
import { Minutes } from './minutes.ts'

const at = (minute: number, second = 0): number => minute * 60_000 + second * 1000

test('looks of one minute are summed up, each metric by those that told it', () => {
  const minutes = new Minutes(10)
  minutes.add('a', at(5, 1), { DatabaseConnections: 4 })
  minutes.add('a', at(5, 6), { DatabaseConnections: 2, ReadIOPS: 1 })
  minutes.add('a', at(6, 1), { DatabaseConnections: 9 })
  assert.deepEqual(minutes.since(0, 10), {
    minutes: [
      {
        id: 'a',
        minute: at(5),
        metrics: {
          DatabaseConnections: { count: 2, sum: 6, min: 2, max: 4 },
          ReadIOPS: { count: 1, sum: 1, min: 1, max: 1 },
        },
      },
      { id: 'a', minute: at(6), metrics: { DatabaseConnections: { count: 1, sum: 9, min: 9, max: 9 } } },
    ],
    more: false,
  })
  assert.equal(minutes.since(at(6), 10).minutes.length, 1)
})

test('the oldest minutes go, and those of an instance that is gone', () => {
  const minutes = new Minutes(2)
  for (const minute of [1, 2, 3]) minutes.add('a', at(minute), { ReadIOPS: minute })
  minutes.add('b', at(3), { ReadIOPS: 3 })
  minutes.drop('b')
  assert.deepEqual(
    minutes.since(0, 10).minutes.map(({ id, minute }) => [id, minute]),
    [
      ['a', at(2)],
      ['a', at(3)],
    ],
  )
})

test('a clock that was set back changes no minute that is over', () => {
  const minutes = new Minutes(5)
  minutes.add('a', at(5), { ReadIOPS: 1 })
  minutes.add('a', at(4), { ReadIOPS: 100 })
  assert.equal(minutes.since(0, 10).minutes.length, 1)
})

test('parts follow each other without a gap, and a minute with too many instances is told whole', () => {
  const minutes = new Minutes(5)
  for (const id of ['a', 'b', 'c']) for (const minute of [1, 2, 3]) minutes.add(id, at(minute), { ReadIOPS: 1 })
  const seen: string[] = []
  let from = 0
  for (;;) {
    const part = minutes.since(from, 2)
    seen.push(...part.minutes.map(({ id, minute }) => `${id}${minute / 60_000}`))
    if (!part.more) break
    from = part.minutes.at(-1)!.minute + 60_000
  }
  assert.deepEqual(seen.sort(), ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'c2', 'c3'])
})
