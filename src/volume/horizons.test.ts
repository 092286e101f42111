import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Horizon } from '#wire/quorum/messages.ts'
import { Horizons, NO_HORIZON, oldest } from './horizons.ts'

const xmin = (xmin: bigint, catalogXmin = 0n): Horizon => ({ xmin, catalogXmin })
const pong = (horizon: Horizon, epoch = 3) => ({ type: 'pong', epoch, sequence: 1, ...horizon }) as const

test('the oldest of what readers need is what all need, and who needs nothing is not counted', () => {
  assert.deepEqual(oldest([]), NO_HORIZON)
  assert.deepEqual(oldest([xmin(0n), xmin(0n)]), NO_HORIZON)
  assert.deepEqual(oldest([xmin(9n), xmin(0n, 12n), xmin(7n, 30n)]), xmin(7n, 12n))
  assert.deepEqual(
    oldest([xmin(0x1_0000_0003n), xmin(0xffff_fff0n)]),
    xmin(0xffff_fff0n),
    'across a wrap of the number',
  )
})

test('a change is told once, and what a lost member has said goes with it', () => {
  const told: Horizon[] = []
  const horizons = new Horizons(3, (horizon) => told.push(horizon))
  horizons.heard('a1', pong(NO_HORIZON))
  horizons.heard('a1', pong(xmin(20n)))
  horizons.heard('b1', pong(xmin(10n)))
  horizons.heard('a2', pong(xmin(20n)))
  horizons.lost('b1')
  horizons.lost('b1')
  horizons.lost('a1')
  horizons.lost('a2')
  assert.deepEqual(told, [xmin(20n), xmin(10n), xmin(20n), NO_HORIZON])
})

test('a member that answers a head of another epoch is not listened to', () => {
  const horizons = new Horizons(3, () => assert.fail('nothing was said to this one'))
  horizons.heard('a1', pong(xmin(5n), 2))
  horizons.heard('a1', { type: 'flushed', epoch: 3, end: 5 })
})
