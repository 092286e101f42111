import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { giveIdentity, isUnbroken, readControlFile } from './control-file.ts'
import { crc32c } from './crc32c.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-control-'))
after(() => rmSync(root, { recursive: true, force: true }))

test('the checksum is the one of the standard', () => {
  // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
})

/** As PostgreSQL 13 to 18 lays it out, with the checksum at 288. */
function dataFolder(name: string): string {
  const folder = join(root, name)
  mkdirSync(join(folder, 'global'), { recursive: true })
  mkdirSync(join(folder, 'pg_wal', 'archive_status'), { recursive: true })
  const control = Buffer.alloc(8_192)
  control.writeBigUInt64LE(1_234n, 0)
  control.writeUInt32LE(1, 16)
  control.writeBigUInt64LE(0x1_0500_0028n, 32)
  control.writeBigUInt64LE(0x1_0400_0010n, 40)
  control.writeUInt32LE(3, 48)
  for (let at = 100; at < 288; at++) control[at] = at % 7
  for (const [index, value] of [100, 8, 10, 0, 64].entries()) control.writeUInt32LE(value, 180 + 4 * index)
  control.writeUInt32LE(crc32c(control.subarray(0, 288)), 288)
  writeFileSync(join(folder, 'global', 'pg_control'), control)
  writeFileSync(join(folder, 'pg_wal', '000000010000000100000005'), Buffer.alloc(100, 1))
  return folder
}

test('a control file says whether the engine was shut down, and where its last checkpoint is', async () => {
  assert.deepEqual(await readControlFile(dataFolder('read')), {
    systemIdentifier: 1_234n,
    shutDown: true,
    isStoppedStandby: false,
    checkpoint: 0x1_05000028n,
    redo: 0x1_04000010n,
    checkpointSegment: '000000030000000100000005',
    timeline: 3,
    upstreamSettings: {
      max_connections: 100,
      max_worker_processes: 8,
      max_wal_senders: 10,
      max_prepared_transactions: 0,
      max_locks_per_transaction: 64,
    },
  })
})

test('a control file with a wrong bit is none', async () => {
  const folder = dataFolder('torn')
  const path = join(folder, 'global', 'pg_control')
  const bytes = readFileSync(path)
  bytes[40]! ^= 1
  writeFileSync(path, bytes)
  assert.equal(await readControlFile(folder), undefined)
})

test('a new identity is in the control file and in the first page of each WAL segment', async () => {
  const folder = dataFolder('identity')
  await giveIdentity(folder, 0xabc_0000_0001n)
  assert.equal((await readControlFile(folder))?.systemIdentifier, 0xabc_0000_0001n)
  const segment = readFileSync(join(folder, 'pg_wal', '000000010000000100000005'))
  assert.equal(segment.length, 100)
  assert.equal(segment.readBigUInt64LE(24), 0xabc_0000_0001n)
  assert.equal(segment.readUInt8(23), 1)
  assert.equal(segment.readUInt8(32), 1)
})

test('segments are unbroken across the end of a log file, and broken when one is missing', () => {
  const names = ['0000000100000001000000FE', '0000000100000001000000FF', '000000010000000200000000']
  assert.equal(isUnbroken(names, names[0]!, names[2]!), true)
  assert.equal(isUnbroken([names[0]!, names[2]!], names[0]!, names[2]!), false)
  assert.equal(isUnbroken(names.slice(1), names[0]!, names[2]!), false)
  assert.equal(isUnbroken([], names[0]!, names[2]!), false)
})
