import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOfRestore } from './restore-plan.ts'

const link = (timeline: number, to: bigint): Parameters<typeof endOfRestore>[1]['links'][number] => ({
  timeline,
  lsn: 0n,
  to,
  portion: { timeline, start: 0n, end: to, newestUs: 0 },
})

test('a restore ends where the archived log does', () => {
  assert.deepEqual(endOfRestore({ timeline: 1, end: '0/10' }, { links: [link(1, 0x8n), link(1, 0x20n)] }), {
    timeline: 1,
    lsn: 0x20n,
  })
})

test('a copy that the archived log has not caught up with yet is restored to its own end', () => {
  assert.deepEqual(endOfRestore({ timeline: 1, end: '0/10' }, { links: [link(1, 0x8n)] }), { timeline: 1, lsn: 0x10n })
})

test('on a later timeline the end is that of the log, whatever its position', () => {
  assert.deepEqual(endOfRestore({ timeline: 1, end: '0/10' }, { links: [link(1, 0x8n), link(2, 0xcn)] }), {
    timeline: 2,
    lsn: 0xcn,
  })
})
