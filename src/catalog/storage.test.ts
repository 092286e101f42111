import assert from 'node:assert/strict'
import { test } from 'node:test'
import { performanceOf, validateStorage, leastGrownGiB } from './storage.ts'

const complaint = (StorageType: string, AllocatedStorage: number, rest: object = {}): string | undefined =>
  validateStorage({ StorageType, AllocatedStorage, ...rest })

test('sizes at the ends of the range are accepted and those beyond are not', () => {
  for (const [type, from, to] of [
    ['standard', 5, 3072],
    ['gp2', 20, 65_536],
    ['gp3', 20, 65_536],
  ] as const) {
    assert.equal(complaint(type, from), undefined)
    assert.equal(complaint(type, to), undefined)
    assert.match(complaint(type, from - 1)!, /Invalid storage size for engine name postgres/)
    assert.match(complaint(type, to + 1)!, /Invalid storage size/)
  }
  assert.match(complaint('gp2', 20.5)!, /Invalid storage size/)
  assert.match(complaint('constructor', 20)!, /Invalid storage type/)
})

test('provisioned types need IOPS in range and in ratio', () => {
  assert.match(complaint('io1', 100)!, /must specify IOPS/)
  assert.equal(complaint('io1', 100, { Iops: 1000 }), undefined)
  assert.match(complaint('io1', 100, { Iops: 999 })!, /Invalid iops value/)
  assert.match(complaint('io1', 100, { Iops: 5001 })!, /ratio needs to be between 0.5 and 50/)
  assert.equal(complaint('io2', 100, { Iops: 5001 }), undefined)
  assert.match(complaint('gp2', 100, { Iops: 1000 })!, /can't specify IOPS/)
})

test('gp3 takes performance only from 400 GiB on, but lets its base be repeated', () => {
  assert.match(complaint('gp3', 399, { Iops: 12_000 })!, /storage size less than 400/)
  assert.equal(complaint('gp3', 20, { Iops: 3000, StorageThroughput: 125 }), undefined)
  assert.equal(complaint('gp3', 400, { Iops: 12_000, StorageThroughput: 500 }), undefined)
  assert.match(complaint('gp3', 400, { StorageThroughput: 3500 })!, /ratio/)
  assert.match(complaint('standard', 20, { StorageThroughput: 500 })!, /throughput/)
})

test('the limit of autoscaling leaves room to grow', () => {
  assert.equal(complaint('gp2', 100, { MaxAllocatedStorage: 110 }), undefined)
  assert.match(complaint('gp2', 100, { MaxAllocatedStorage: 109 })!, /10%/)
  assert.match(complaint('gp2', 100, { MaxAllocatedStorage: 99 })!, /greater than storage size/)
  assert.equal(complaint('gp2', 100, { MaxAllocatedStorage: 100 }), undefined)
})

test('a volume has the performance of its type and size', () => {
  assert.deepEqual(performanceOf({ StorageType: 'gp3', AllocatedStorage: 20 }), { Iops: 3000, StorageThroughput: 125 })
  assert.deepEqual(performanceOf({ StorageType: 'gp3', AllocatedStorage: 400 }), {
    Iops: 12_000,
    StorageThroughput: 500,
  })
  assert.deepEqual(performanceOf({ StorageType: 'gp2', AllocatedStorage: 400 }), {})
  assert.deepEqual(performanceOf({ StorageType: 'io1', AllocatedStorage: 100, Iops: 1000 }), { Iops: 1000 })
})

test('a tenth more is exactly that, and at least one GiB', () => {
  assert.deepEqual([5, 20, 100, 110, 200, 1000, 65_530].map(leastGrownGiB), [6, 22, 110, 121, 220, 1100, 72_083])
})
