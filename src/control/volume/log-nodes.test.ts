import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testControl } from '../../../tests/support/control.ts'
import { commit } from '../control.ts'
import { doorsOf, feedsFor, newLogNodes, requireLogNodes, termsOf } from './log-nodes.ts'

const ZONES = ['a', 'b', 'c']

test('each log node has two ports and a certificate of its own, the same for all time', async () => {
  const control = testControl()
  await commit(control, await newLogNodes(control, ZONES))
  const nodes = await requireLogNodes(control, ZONES)
  const ports = nodes.flatMap(({ doorPort, feedPort }) => [doorPort, feedPort])
  assert.equal(new Set(ports).size, 6)
  const again = await newLogNodes(control, ZONES)
  assert.deepEqual(again.ops, [], 'a second call finds them')
  assert.deepEqual(
    doorsOf(nodes).map(({ node, door }) => [node, door.port]),
    nodes.map(({ zone, doorPort }) => [zone, doorPort]),
  )
  const terms = termsOf(control, nodes[1]!)
  assert.deepEqual([terms.node, terms.door.port, terms.feed.port], ['b', nodes[1]!.doorPort, nodes[1]!.feedPort])
})

test('of two who make them at once one does', async () => {
  const control = testControl()
  const both = await Promise.all([newLogNodes(control, ZONES), newLogNodes(control, ZONES)])
  const results = await Promise.all(both.map((writes) => commit(control, writes)))
  assert.deepEqual(results.map(({ committed }) => committed).sort(), [false, true])
})

test('engines read from the log node of their zone first', async () => {
  const control = testControl()
  await commit(control, await newLogNodes(control, ZONES))
  const nodes = await requireLogNodes(control, ZONES)
  const feeds = feedsFor('b', nodes).map(({ port }) => port)
  assert.equal(feeds[0], nodes[1]!.feedPort)
  assert.deepEqual([...feeds].sort(), nodes.map(({ feedPort }) => feedPort).sort())
})
