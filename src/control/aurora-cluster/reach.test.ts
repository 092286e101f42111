import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  clusterEndpointTargets,
  customEndpointTargets,
  instanceEndpointTargets,
  readerEndpointTargets,
  type EndpointRole,
  type Membership,
  type Reachable,
} from './reach.ts'

const member = (resourceId: string, isWriter: boolean, isServing = true): Reachable => ({
  resourceId,
  isWriter,
  isServing,
  isPaused: false,
})

const ALL = [member('w', true), member('r1', false), member('r2', false)]
const down = (...gone: string[]): Reachable[] =>
  ALL.map((one) => (gone.includes(one.resourceId) ? { ...one, isServing: false } : one))
const names = (targets: readonly Reachable[]): string => targets.map(({ resourceId }) => resourceId).join(' ')

test('the cluster endpoint leads to the writer alone, and to nobody while there is none', () => {
  assert.equal(names(clusterEndpointTargets(ALL)), 'w')
  assert.equal(names(clusterEndpointTargets(down('w'))), '')
  assert.equal(names(clusterEndpointTargets([])), '')
})

test('the reader endpoint leads to the readers that serve, and to the writer where none does', () => {
  assert.equal(names(readerEndpointTargets(ALL)), 'r1 r2')
  assert.equal(names(readerEndpointTargets(down('r1'))), 'r2')
  assert.equal(names(readerEndpointTargets(down('w'))), 'r1 r2')
  assert.equal(names(readerEndpointTargets(down('r1', 'r2'))), 'w')
  assert.equal(names(readerEndpointTargets([member('w', true)])), 'w')
  assert.equal(names(readerEndpointTargets(down('w', 'r1', 'r2'))), '')
})

test("an instance's endpoint leads to it, whatever its role", () => {
  assert.equal(names(instanceEndpointTargets('w', ALL)), 'w')
  assert.equal(names(instanceEndpointTargets('r2', ALL)), 'r2')
  assert.equal(names(instanceEndpointTargets('r2', down('r2'))), '')
})

const custom = (role: EndpointRole, membership: Membership, members = ALL): string =>
  names(customEndpointTargets({ role, membership }, members))

test('a custom endpoint with a static list leads to those of it that have its role', () => {
  assert.equal(custom('ANY', { statics: ['w', 'r1'] }), 'w r1')
  assert.equal(custom('READER', { statics: ['w', 'r1'] }), 'r1')
  assert.equal(custom('WRITER', { statics: ['w', 'r1'] }), 'w')
  assert.equal(custom('READER', { statics: ['r1'] }, down('r1')), '', 'it falls back to nobody')
})

test('a custom endpoint with an exclusion list leads to all others, also to those that come later', () => {
  assert.equal(custom('ANY', { excluded: ['r1'] }), 'w r2')
  assert.equal(custom('READER', { excluded: ['r1'] }), 'r2')
  assert.equal(custom('READER', { excluded: [] }), 'r1 r2')
  assert.equal(custom('READER', { excluded: ['r1'] }, [...ALL, member('r3', false)]), 'r2 r3')
  assert.equal(custom('READER', { statics: ['r1'] }, [...ALL, member('r3', false)]), 'r1')
})

test('after a failover a READER endpoint leads to the old writer if it is in the list, and not to the new one', () => {
  const after = [member('w', false), member('r1', true), member('r2', false)]
  assert.equal(custom('READER', { statics: ['w', 'r1'] }, after), 'w')
  assert.equal(custom('READER', { excluded: ['r2'] }, after), 'w')
})

test('whoever comes to the reader endpoint waits for a reader that is paused, where no other serves', () => {
  const asleep = (...ids: string[]): Reachable[] =>
    ALL.map((one) => (ids.includes(one.resourceId) ? { ...one, isServing: false, isPaused: true } : one))
  assert.equal(names(readerEndpointTargets(asleep('r1'))), 'r2')
  assert.equal(names(readerEndpointTargets(asleep('r1', 'r2'))), '')
  assert.equal(names(readerEndpointTargets(asleep('w', 'r1', 'r2'))), '')
})
