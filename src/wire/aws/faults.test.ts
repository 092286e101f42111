import { test } from 'node:test'
import assert from 'node:assert/strict'
import { DBInstanceNotFoundFault } from '@aws-sdk/client-rds'
import { fault } from './faults.ts'

test('fault makes an exception of the class with the message', () => {
  const made = fault(DBInstanceNotFoundFault, 'DBInstance orders not found.')
  assert.ok(made instanceof DBInstanceNotFoundFault)
  assert.equal(made.message, 'DBInstance orders not found.')
  assert.equal(made.name, 'DBInstanceNotFoundFault')
})
