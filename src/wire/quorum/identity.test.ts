import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headName, isLogNodeName, logNodeName } from './identity.ts'

test('a head has the name of one volume, also among those that one cluster has had, and never that of a log node', () => {
  const volumes = ['cluster-0ABC', 'cluster-0ABCD', 'a.log-node', 'cluster-0ABC.log-node']
  const heads = volumes.map(headName)
  assert.equal(new Set(heads).size, volumes.length)
  for (const head of heads) assert.ok(!isLogNodeName(head), head)
  for (const node of ['a', 'cluster-0ABC.head'])
    assert.ok(isLogNodeName(logNodeName(node)) && !heads.includes(logNodeName(node)))
})
