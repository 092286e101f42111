import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GIB } from '#base/bytes.ts'
import { instanceClass, instanceClasses, supportsMajor } from './instance-classes.ts'

test('classes have the processors and memory of the user guide', () => {
  const known: readonly (readonly [string, number, number])[] = [
    ['db.t2.micro', 1, 1],
    ['db.t3.micro', 2, 1],
    ['db.t4g.2xlarge', 8, 32],
    ['db.m4.10xlarge', 40, 160],
    ['db.m5.24xlarge', 96, 384],
    ['db.m6i.32xlarge', 128, 512],
    ['db.m8g.48xlarge', 192, 768],
    ['db.r4.large', 2, 15.25],
    ['db.r7g.16xlarge', 64, 512],
    ['db.x2g.large', 2, 32],
    ['db.x2idn.16xlarge', 64, 1024],
    ['db.x2iedn.32xlarge', 128, 4096],
  ]
  for (const [name, vcpus, gib] of known) {
    assert.deepEqual([instanceClass(name)?.vcpus, instanceClass(name)?.memoryBytes], [vcpus, gib * GIB], name)
  }
})

test('a class that RDS does not have is not found', () => {
  for (const name of ['db.m5.huge', 'm5.large', 'db.t3.48xlarge', 'db.m6g.24xlarge', '', 'db.m5.constructor'])
    assert.equal(instanceClass(name), undefined, name)
})

test('classes are listed once each, by name', () => {
  const names = instanceClasses.map((entry) => entry.name)
  assert.deepEqual(names, [...new Set(names)].sort())
})

test('old generations are not offered for new majors', () => {
  assert.equal(supportsMajor(instanceClass('db.t2.micro')!, '12'), true)
  assert.equal(supportsMajor(instanceClass('db.t2.micro')!, '17'), false)
  assert.equal(supportsMajor(instanceClass('db.t3.micro')!, '17'), true)
})
