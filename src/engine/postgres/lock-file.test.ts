import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLockFile } from './lock-file.ts'

const lines = ['4711', '/x/data', '1795184973', '6543', '/x/run', '127.0.0.1', '  6543001    163842', 'ready   ', '']

test('a lock file tells pid, socket and readiness', () => {
  assert.deepEqual(parseLockFile(lines.join('\n')), {
    pid: 4_711,
    socket: { folder: '/x/run', port: 6_543 },
    isReady: true,
  })
})

test('a lock file of an engine that has just begun tells what is known by then', () => {
  const started = parseLockFile(lines.with(7, 'starting').join('\n'))
  assert.equal(started?.isReady, false)
  assert.deepEqual(parseLockFile(lines.slice(0, 4).join('\n')), { pid: 4_711, socket: undefined, isReady: false })
  assert.equal(parseLockFile(''), undefined)
  assert.equal(parseLockFile('-12\n/x'), undefined)
})
