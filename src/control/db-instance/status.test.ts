import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObservedInstance } from '#wire/agent/messages.ts'
import type { DbInstanceRecord, Phase } from './record.ts'
import { statusOf } from './status.ts'

const down: ObservedInstance = {
  id: 'db-A',
  state: 'stopped',
  accepting: false,
  pid: undefined,
  version: '18.4',
  pendingRestart: [],
  crashes: 1,
  lastError: { code: 'failed', message: 'The engine process ended unexpectedly.' },
}
const withoutRoom = { ...down, lastError: { code: 'disk-full', message: 'The disk of the host is full.' } } as const
const full = { level: 'full', allocatedBytes: 1, limit: 'host' } as const

function status(phase: Phase, observed: ObservedInstance | undefined): string {
  const control = { hosts: { observed: () => observed }, simulated: true }
  return statusOf(control as unknown as Parameters<typeof statusOf>[0], { phase, zone: 'a' } as DbInstanceRecord)
}

test('an engine that cannot come up for want of room is storage-full, whatever a flow left', () => {
  for (const phase of ['available', 'failed'] as const)
    for (const state of ['stopped', 'starting', 'failed'] as const)
      assert.equal(status(phase, { ...withoutRoom, state }), 'storage-full', `${phase}, ${state}`)
})

test('one that runs and lets nobody in is storage-full where its storage is, and starting else', () => {
  const silent = { ...down, state: 'running' as const, lastError: undefined }
  assert.equal(status('available', { ...silent, storage: full }), 'storage-full')
  assert.equal(status('available', silent), 'starting')
})

test('want of room that is over is not what an instance is failed for', () => {
  assert.equal(status('failed', { ...down, storage: full }), 'failed')
  assert.equal(status('failed', undefined), 'failed')
  assert.equal(status('available', { ...down, state: 'failed' }), 'failed')
  assert.equal(status('modifying', withoutRoom), 'modifying')
})
