import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  readMembership,
  requireEndpointIdentifier,
  requireRole,
  requireRoomForEndpoint,
  withoutMember,
  type CustomEndpoint,
} from './custom-endpoint.ts'
import { customEndpointTargets } from './reach.ts'

const MEMBERS = ['one', 'two', 'three'].map((id) => ({ id, resourceId: `db-${id}` }))

test('lists are kept by what instances are for life, in any case and once each', () => {
  assert.deepEqual(readMembership({ StaticMembers: ['Two', 'one', 'two'] }, MEMBERS), { statics: ['db-two', 'db-one'] })
  assert.deepEqual(readMembership({ ExcludedMembers: ['three'] }, MEMBERS), { excluded: ['db-three'] })
})

test('where nothing is said, or lists are empty, there is no membership to keep', () => {
  assert.equal(readMembership({}, MEMBERS), undefined)
  assert.equal(readMembership({ StaticMembers: [], ExcludedMembers: [] }, MEMBERS), undefined)
})

test('both lists at once are refused, and so is a stranger', () => {
  assert.throws(() => readMembership({ StaticMembers: ['one'], ExcludedMembers: ['two'] }, MEMBERS), {
    name: 'InvalidParameterCombination',
  })
  assert.throws(() => readMembership({ StaticMembers: ['four'] }, MEMBERS), { name: 'DBInstanceNotFoundFault' })
  assert.throws(() => readMembership({ ExcludedMembers: ['four'] }, MEMBERS), { name: 'DBInstanceNotFoundFault' })
})

test('types are READER, WRITER and ANY, as AWS spells them', () => {
  assert.equal(requireRole('READER'), 'READER')
  for (const wrong of ['reader', 'CUSTOM', ''])
    assert.throws(() => requireRole(wrong), { name: 'InvalidParameterValue' })
})

test('names are those of other resources', () => {
  assert.equal(requireEndpointIdentifier('Reports'), 'reports')
  for (const wrong of ['1st', 'a--b', 'a-', 'a'.repeat(64)])
    assert.throws(() => requireEndpointIdentifier(wrong), { name: 'InvalidParameterValue' })
})

test('a sixth endpoint is refused', () => {
  requireRoomForEndpoint([1, 2, 3, 4])
  assert.throws(() => requireRoomForEndpoint([1, 2, 3, 4, 5]), { name: 'DBClusterEndpointQuotaExceededFault' })
})

test('an instance that is gone is in no list, and a static list of it alone leads to nobody', () => {
  const base = { id: 'e', resourceId: 'r', role: 'ANY' as const, port: 1, tags: [] }
  const endpoints: CustomEndpoint[] = [
    { ...base, membership: { statics: ['db-one'] } },
    { ...base, membership: { excluded: ['db-one', 'db-two'] } },
  ]
  const left = withoutMember(endpoints, 'db-one')
  assert.deepEqual(
    left.map(({ membership }) => membership),
    [{ statics: [] }, { excluded: ['db-two'] }],
  )
  const others = [{ resourceId: 'db-two', isWriter: true, isServing: true, isPaused: false }]
  assert.deepEqual(customEndpointTargets(left[0]!, others), [])
})
