import assert from 'node:assert/strict'
import test from 'node:test'
import type { EngineFacts } from '#engine/engine.ts'
import { valuesOf, type Look } from './values.ts'

const capacity = { vcpus: 2, memoryBytes: 1000, storageBytes: 5000 }
const look = (atMs: number, facts: EngineFacts, pid = 7): Look => ({ atMs, pid, facts, hostFreeBytes: 1e9 })

test('what grows becomes a rate between two looks', () => {
  const before = look(1000, { cpuMs: 100, reads: 10, writtenBytes: 0, logGeneratedBytes: 2 ** 40 })
  const now = look(6000, { cpuMs: 2600, reads: 60, writtenBytes: 5000, logGeneratedBytes: 2 ** 40 + 500 })
  assert.deepEqual(valuesOf(before, now, capacity), {
    // 2.5 of the 10 seconds that two processors have in 5.
    CPUUtilization: 25,
    ReadIOPS: 10,
    WriteThroughput: 1000,
    TransactionLogsGeneration: 100,
  })
})

test('an idle engine has rates of zero, not none', () => {
  const values = valuesOf(look(0, { cpuMs: 100 }), look(5000, { cpuMs: 100 }), capacity)
  assert.deepEqual(values, { CPUUtilization: 0 })
})

test('there is no rate at the first look, after a restart, a reset of statistics, or a sleep', () => {
  const facts = { cpuMs: 100, connections: 3 }
  const only = { DatabaseConnections: 3 }
  assert.deepEqual(valuesOf(undefined, look(0, facts), capacity), only)
  assert.deepEqual(valuesOf(look(0, { cpuMs: 1 }, 6), look(5000, facts), capacity), only)
  assert.deepEqual(valuesOf(look(0, { cpuMs: 101 }), look(5000, facts), capacity), only)
  assert.deepEqual(valuesOf(look(0, { cpuMs: 1 }), look(500_000, facts), capacity), only)
  assert.deepEqual(valuesOf(look(0, { cpuMs: 1 }), look(0, facts), capacity), only)
})

test('what is left is never below nothing, and what is used never above all', () => {
  const now = look(1000, { memoryBytes: 1200, storageBytes: 6000, cpuMs: 9000 })
  assert.deepEqual(valuesOf(look(0, { cpuMs: 0 }), now, capacity), {
    CPUUtilization: 100,
    FreeableMemory: 0,
    FreeStorageSpace: 0,
  })
})

test('memory that the host does not have is not free', () => {
  const now = { ...look(0, { memoryBytes: 100 }), hostFreeBytes: 300 }
  assert.deepEqual(valuesOf(undefined, now, capacity), { FreeableMemory: 300 })
})

test('a standby is behind, caught up, or not replicating; a primary is none of these', () => {
  for (const lag of [0, 2.5, -1])
    assert.deepEqual(valuesOf(undefined, look(0, { replicaLagSeconds: lag }), capacity), { ReplicaLag: lag })
  assert.deepEqual(valuesOf(undefined, look(0, {}), capacity), {})
})
