import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokenArchive, LogArchive } from './log-archive.ts'
import type { LogPortion } from './log-keys.ts'
import { memoryObjects } from './memory-objects.ts'

const portion = (start: bigint, end: bigint): LogPortion => ({ timeline: 1, start, end, newestUs: 0 })
const PREFIX = 'us-east-1/000000000000/db-A'

test('a portion that was joined with others after it was listed is read from what has taken its place', async () => {
  const archive = new LogArchive(memoryObjects(), PREFIX)
  const parts = [portion(0n, 3n), portion(3n, 5n)]
  await archive.put(parts[0]!, Buffer.from('abc'))
  await archive.put(parts[1]!, Buffer.from('de'))
  const { portions } = await archive.index()
  await archive.join(parts)
  assert.deepEqual(await Promise.all(portions.map(async (one) => (await archive.get(one)).toString())), ['abc', 'de'])
})

test('a portion that is nowhere is named', async () => {
  const archive = new LogArchive(memoryObjects(), PREFIX)
  await archive.put(portion(0n, 3n), Buffer.from('abc'))
  await assert.rejects(archive.get(portion(3n, 5n)), (error) => {
    assert.ok(error instanceof BrokenArchive)
    assert.match(error.message, /^the log of timeline 1 from 0\/3 to 0\/5 is missing$/)
    return true
  })
})
