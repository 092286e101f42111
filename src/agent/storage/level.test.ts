import assert from 'node:assert/strict'
import test from 'node:test'
import { GIB, MIB } from '#base/bytes.ts'
import { isFilling, levelOf, msUntilFull, reserveOf, type StorageSight } from './level.ts'

const sight = (freeBytes: number, hostFreeBytes?: number): StorageSight => ({
  allocatedBytes: 20 * GIB,
  usedBytes: 20 * GIB - freeBytes,
  hostFreeBytes,
})

test('storage is low at a tenth, critical at twice the reserve, full at the reserve', () => {
  const reserve = 512 * MIB
  assert.equal(reserveOf({ allocatedBytes: 20 * GIB }), reserve)
  for (const [free, level] of [
    [2 * GIB + 1, 'ample'],
    [2 * GIB, 'low'],
    [2 * reserve + 1, 'low'],
    [2 * reserve, 'critical'],
    [reserve + 1, 'critical'],
    [reserve, 'full'],
    [-5, 'full'],
  ] as const)
    assert.deepEqual(levelOf(sight(free), 'ample'), { level, limit: 'allocation' }, `${free} bytes free`)
})

test('full storage stays so until clearly more than the reserve is free', () => {
  assert.equal(levelOf(sight(600 * MIB), 'full').level, 'full')
  assert.equal(levelOf(sight(600 * MIB), 'critical').level, 'critical')
  assert.equal(levelOf(sight(800 * MIB), 'full').level, 'critical')
})

test('a full disk of the host counts, however much was allocated', () => {
  assert.deepEqual(levelOf(sight(10 * GIB, 30 * MIB), 'ample'), { level: 'full', limit: 'host' })
  assert.deepEqual(levelOf(sight(10 * GIB, 50 * MIB), 'ample'), { level: 'critical', limit: 'host' })
  assert.deepEqual(levelOf(sight(10 * GIB, 40 * MIB), 'full'), { level: 'full', limit: 'host' })
  assert.deepEqual(levelOf(sight(10 * GIB, 100 * MIB), 'full'), { level: 'ample', limit: 'allocation' })
})

test('the reserve is neither less than two segments of log nor more than half a GiB', () => {
  assert.equal(reserveOf({ allocatedBytes: 100 * MIB }), 32 * MIB)
  assert.equal(reserveOf({ allocatedBytes: 100 * MIB, isVolume: true }), 96 * MIB)
  assert.equal(reserveOf({ allocatedBytes: 64 * 1024 * GIB }), 512 * MIB)
})

test('deleting writes a little; filling is more than that, or the end of the disk', () => {
  const used = 20 * GIB - 500 * MIB
  assert.equal(isFilling(sight(500 * MIB - 100 * MIB), used), false)
  assert.equal(isFilling(sight(500 * MIB - 150 * MIB), used), true)
  assert.equal(isFilling(sight(-GIB), 21 * GIB), false)
  assert.equal(isFilling(sight(10 * GIB, 10 * MIB), 10 * GIB), true)
})

test('how long storage lasts follows from how fast it was written', () => {
  const before = { usedBytes: 17 * GIB, msAgo: 1000 }
  // 1 GiB in a second; 2 GiB are free, half of one is the reserve.
  assert.equal(msUntilFull(sight(2 * GIB), before), 1500)
  assert.equal(msUntilFull(sight(3 * GIB), before), Infinity)
  assert.equal(msUntilFull(sight(0), before), 0)
  assert.equal(msUntilFull(sight(2 * GIB, 544 * MIB), before), 500)
})
