import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObservedInstance } from '#wire/agent/messages.ts'
import { lossOf } from './copies.ts'

const running: ObservedInstance = {
  id: 'db-A',
  state: 'running',
  accepting: true,
  pid: 1,
  version: '18.4',
  pendingRestart: [],
  crashes: 0,
  lastError: undefined,
}
const standby: ObservedInstance = {
  ...running,
  replication: { role: 'standby', isStreaming: true, sourceAnswers: true },
}
const fullDisk = { level: 'full', allocatedBytes: 1, limit: 'host' } as const
const silent = { ...running, accepting: false, isSilent: true }

const copyIn = (zone: string): { zone: string; resourceId: string } => ({ zone, resourceId: 'db-A' })

function loss(primary: ObservedInstance, second: ObservedInstance): string | undefined {
  const hosts = { isConnected: () => true, observed: (zone: string) => (zone === 'a' ? primary : second) }
  return lossOf({ hosts } as unknown as Parameters<typeof lossOf>[0], copyIn('a'), [copyIn('b')])
}

test('a primary that lets nobody in on a full disk is lost, although its port answers', () => {
  assert.match(loss({ ...silent, storage: fullDisk }, standby)!, /disk of its host is full/)
})

test('a primary is not lost that serves on a full disk, or is silent where its port answers', () => {
  assert.equal(loss({ ...running, storage: fullDisk }, standby), undefined)
  assert.equal(loss(silent, standby), undefined)
})

test('a primary on a full disk is not lost to a standby that is on one, nor to what more allocation helps', () => {
  assert.equal(loss({ ...silent, storage: fullDisk }, { ...standby, storage: fullDisk }), undefined)
  assert.equal(loss({ ...silent, storage: { ...fullDisk, limit: 'allocation' } }, standby), undefined)
})
