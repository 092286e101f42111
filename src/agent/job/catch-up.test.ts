import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogArchive } from '#archive/log-archive.ts'
import { memoryObjects } from '#archive/memory-objects.ts'
import type { ObjectStore } from '#archive/object-store.ts'
import type { LogSegment, LogWanted } from '#engine/recovery.ts'
import type { Clock } from '#host/clock.ts'
import { SEGMENT_BYTES, lsnText } from '#wire/pg/lsn.ts'
import { ScriptedEngine } from '../../../tests/support/scripted-engine.ts'
import type { Instance } from '../supervisor/instance.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { CATCH_UP_AHEAD_SEGMENTS } from '../limits.ts'
import { catchUpJob } from './catch-up.ts'

const PREFIX = 'us-east-1/000000000000/db-SOURCE'
const lsn = (segments: number): bigint => BigInt(segments * SEGMENT_BYTES)
const portion = (timeline: number, from: number, to: number): Parameters<LogArchive['put']>[0] => ({
  timeline,
  start: lsn(from),
  end: lsn(to),
  newestUs: 0,
})
const bytesOf = (from: number, to: number, fill: number): Buffer => Buffer.alloc(Number(lsn(to) - lsn(from)), fill)

/** Segments 2 and 3 on timeline 1, which timeline 2 leaves in the middle of 3; then 4, and a part of 5. */
async function archiveIn(objects: ObjectStore): Promise<void> {
  const archive = new LogArchive(objects, PREFIX)
  await archive.put(portion(1, 2, 3), bytesOf(2, 3, 2))
  await archive.put(portion(1, 3, 3.75), bytesOf(3, 3.75, 3))
  await archive.putHistory(2, `1\t${lsnText(lsn(3.5))}\tbefore\n`)
  await archive.put(portion(2, 3.5, 4), bytesOf(3.5, 4, 4))
  await archive.put(portion(2, 4, 5), bytesOf(4, 5, 5))
  await archive.put(portion(2, 5, 5.25), bytesOf(5, 5.25, 6))
}

const waiting = (timeline: number, segments: number): LogWanted => ({
  timeline,
  lsn: lsn(segments),
  isIdle: true,
  receiverPid: undefined,
})

/** Time passes in sleeps alone, however long it takes to read the archive. */
function sleepingClock(): Clock & { slept: number } {
  const clock = {
    slept: 0,
    now: () => clock.slept,
    monotonic: () => clock.slept,
    after: () => ({ cancel: () => {} }),
    sleep: async (ms: number) => void (clock.slept += ms),
  }
  return clock
}

interface Ran {
  readonly isStreaming: boolean | undefined
  readonly failure: string | undefined
  readonly given: readonly LogSegment[]
  readonly histories: readonly string[]
}

async function catchUp(
  objects: ObjectStore | undefined,
  wanted: ScriptedEngine['wanted'],
  signal: AbortSignal = new AbortController().signal,
): Promise<Ran> {
  const driver = new ScriptedEngine()
  driver.wanted = wanted
  const clock = sleepingClock()
  const instance = { folder: 'f', alive: true, driver, async adopt() {}, async ready() {}, async look() {} }
  const supervisor = { get: () => instance as unknown as Instance } as unknown as Supervisor
  const ran = catchUpJob(supervisor, objects, clock)['instance.catch-up'](
    { id: 'db-A', prefix: PREFIX },
    { signal, progress: () => {}, reached: () => {} },
  )
  const [end] = await Promise.allSettled([ran])
  return {
    isStreaming: end.status === 'fulfilled' ? end.value.result.isStreaming : undefined,
    failure: end.status === 'rejected' ? codeAndText(end.reason) : undefined,
    given: driver.given,
    histories: driver.calls.filter((call) => call.startsWith('giveLog')),
  }
}

const codeAndText = (error: unknown): string => {
  const { code, message } = error as { code?: string; message: string }
  return `${code}: ${message}`
}

const names = (given: readonly LogSegment[]): string[] =>
  given.map(({ timeline, start }) => `${timeline}/${start / lsn(1)}`)

async function archived(): Promise<ObjectStore> {
  const objects = memoryObjects()
  await archiveIn(objects)
  return objects
}

test('a standby is given whole segments over a change of timeline, until it streams', async () => {
  const { isStreaming, given, histories } = await catchUp(await archived(), (so) =>
    so.length < 3 ? waiting(1, 2.5) : { ...waiting(2, 5), receiverPid: 77 },
  )
  assert.equal(isStreaming, true)
  assert.deepEqual(names(given), ['1/2', '2/3', '2/4'])
  assert.ok(given[1]!.bytes.equals(Buffer.concat([bytesOf(3, 3.5, 3), bytesOf(3.5, 4, 4)])))
  assert.deepEqual(histories, ['giveLog 1 after ', 'giveLog 2 after 2', 'giveLog 2 after 2'])
})

test('a receiver that is another one at every look was refused each time, and proves nothing', async () => {
  let pid = 0
  const { isStreaming } = await catchUp(await archived(), () => ({ ...waiting(2, 5), receiverPid: ++pid }))
  assert.equal(isStreaming, false)
})

test('when the archive has no more and the source has not either, the job says so', async () => {
  const { failure, given } = await catchUp(await archived(), () => waiting(2, 5.125))
  assert.deepEqual(given, [])
  assert.match(failure!, /^backup-broken: .*what follows is not in the archive/)
})

test('one that came on and does not stream may have lost its slot again: that is no failure yet', async () => {
  const { isStreaming, failure, given } = await catchUp(await archived(), (so) =>
    so.length < 3 ? waiting(1, 2.5) : waiting(2, 5.125),
  )
  assert.deepEqual([isStreaming, failure, given.length], [false, undefined, 3])
})

test('one that is held up by something else than the lack of log is left alone until the next job', async () => {
  const { isStreaming, failure, given } = await catchUp(await archived(), () => ({ ...waiting(1, 2.5), isIdle: false }))
  assert.deepEqual([isStreaming, failure, given.length], [false, undefined, 0])
})

test('no more is given ahead than there is room for', async () => {
  const objects = memoryObjects()
  const archive = new LogArchive(objects, PREFIX)
  for (let n = 2; n < 4 + CATCH_UP_AHEAD_SEGMENTS; n++) await archive.put(portion(1, n, n + 1), bytesOf(n, n + 1, n))
  const { given } = await catchUp(objects, () => waiting(1, 2))
  assert.equal(given.length, CATCH_UP_AHEAD_SEGMENTS)
})

test('a damaged piece is not given, nor what follows it', async () => {
  const objects = await archived()
  const [key] = (await Array.fromAsync(objects.list(`${PREFIX}/log/00000002/`))).map((object) => object.key)
  const bytes = Buffer.concat(await Array.fromAsync((await objects.get(key!))!))
  bytes[bytes.length >> 1]! ^= 1
  await objects.put(key!, bytes)
  const { failure, given } = await catchUp(objects, () => waiting(1, 2.5))
  assert.match(failure!, /^backup-broken: .*timeline 2 from .* is damaged/)
  assert.deepEqual(names(given), ['1/2'])
})

test('one that has gone to a later timeline and does not know it yet is asked again', async () => {
  const { isStreaming, failure, given } = await catchUp(await archived(), (so, isExact) =>
    so.length > 1 ? { ...waiting(2, 5), receiverPid: 77 } : waiting(isExact ? 2 : 1, 3.75),
  )
  assert.deepEqual([isStreaming, failure], [true, undefined])
  assert.deepEqual(names(given), ['2/3', '2/4'])
})

test('one that has diverged is given nothing', async () => {
  const { failure, given } = await catchUp(await archived(), () => waiting(1, 3.75))
  assert.deepEqual(given, [])
  assert.match(failure!, /^backup-broken: .*timeline 1, which ends before/)
})

test('without an archive, or when it is cancelled, the job ends at once', async () => {
  assert.match((await catchUp(undefined, () => waiting(1, 2))).failure!, /^backup-broken: .*no archive/)
  const { failure, given } = await catchUp(await archived(), () => waiting(1, 2), AbortSignal.abort(new Error('ended')))
  assert.match(failure!, /ended/)
  assert.deepEqual(given, [])
})
