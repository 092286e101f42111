import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseReplicationCommand } from './replication-commands.ts'

test('what a walreceiver says is understood', () => {
  assert.deepEqual(parseReplicationCommand('IDENTIFY_SYSTEM'), { type: 'identify-system' })
  assert.deepEqual(parseReplicationCommand('TIMELINE_HISTORY 12'), { type: 'timeline-history', timeline: 12 })
  assert.deepEqual(parseReplicationCommand('START_REPLICATION SLOT "holdfast_b" 2/A0000000 TIMELINE 4294967295'), {
    type: 'start-replication',
    start: 0x2_a000_0000,
    timeline: 0xffff_ffff,
    slot: 'holdfast_b',
  })
  const plain = { type: 'start-replication', start: 0x1000000, slot: undefined }
  assert.deepEqual(parseReplicationCommand('START_REPLICATION 0/1000000 TIMELINE 1'), { ...plain, timeline: 1 })
  assert.deepEqual(parseReplicationCommand('start_replication physical 0/1000000;'), { ...plain, timeline: undefined })
  assert.deepEqual(parseReplicationCommand('SHOW data_directory_mode'), { type: 'show', name: 'data_directory_mode' })
  assert.deepEqual(parseReplicationCommand(' ; '), { type: 'empty' })
})

test('what is not here is not mistaken for something that is', () => {
  for (const command of [
    'SELECT 1',
    'IDENTIFY_SYSTEM; SELECT 1',
    'START_REPLICATION SLOT s LOGICAL 0/0',
    'START_REPLICATION 0/1000000 TIMELINE 0',
    'START_REPLICATION FFFFFFFF/FFFFFFFF',
    'TIMELINE_HISTORY 4294967296',
    'CREATE_REPLICATION_SLOT "s" TEMPORARY PHYSICAL (RESERVE_WAL)',
    'BASE_BACKUP',
  ])
    assert.deepEqual(parseReplicationCommand(command), { type: 'other' }, command)
})

test('anything at all is some command', () => {
  fc.assert(fc.property(fc.string(), (text) => typeof parseReplicationCommand(text).type === 'string'))
})
