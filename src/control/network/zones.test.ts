import { test } from 'node:test'
import assert from 'node:assert/strict'
import { zoneIdOf } from './zones.ts'

test('ids of zones are made from the region as AWS makes them', () => {
  const ids = ['us-east-1a', 'ap-southeast-2b', 'eu-central-1c', 'us-gov-west-1a', 'ap-northeast-1a'].map(zoneIdOf)
  assert.deepEqual(ids, ['use1-az1', 'apse2-az2', 'euc1-az3', 'usgw1-az1', 'apne1-az1'])
})
