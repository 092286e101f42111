import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogPortion } from './log-keys.ts'
import { chainBehind, endOfRestore } from './restore-plan.ts'

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

test('log that a base backup has itself need not be in the archive', () => {
  const portion = (start: bigint, end: bigint): LogPortion => ({ timeline: 1, start, end, newestUs: 0 })
  const behind = (...portions: LogPortion[]): [string[], string | undefined] => {
    const { links, missing } = chainBehind(
      { portions, histories: new Map() },
      { timeline: 1, start: '0/10', end: '0/30' },
      () => false,
    )
    return [links.map(({ lsn, to }) => `${lsn}-${to}`), missing]
  }
  assert.deepEqual(behind(portion(0x0n, 0x40n)), [['16-64'], undefined])
  assert.deepEqual(behind(portion(0x20n, 0x40n)), [['48-64'], undefined])
  assert.deepEqual(behind(portion(0x0n, 0x18n), portion(0x28n, 0x40n)), [['48-64'], undefined])
  const [, missing] = behind(portion(0x38n, 0x40n))
  assert.equal(missing, 'the log of timeline 1 from 0/30 to 0/38')
  // A gap behind its own end is one whichever way it is come to.
  assert.match(behind(portion(0x0n, 0x38n), portion(0x40n, 0x50n))[1]!, /from 0\/38 to 0\/40/)
})
