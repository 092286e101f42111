import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { LogReceiver } from '#agent/archiver/receiver.ts'
import { LogArchive } from '#archive/log-archive.ts'
import { chainFrom, startOfRun } from '#archive/log-chain.ts'
import { memoryObjects } from '#archive/memory-objects.ts'
import type { ObjectStore } from '#archive/object-store.ts'
import { memoryLog } from '#base/memory-log.ts'
import { systemClock } from '#host/clock.ts'
import type { ObservedArchive } from '#wire/agent/archive.ts'
import { parseLsn, segmentName, segmentStart } from '#wire/pg/lsn.ts'
import { eventually } from '../support/eventually.ts'
import { openPostgresBench, type PostgresBench, type TestInstance } from '../support/postgres-bench.ts'

let bench: PostgresBench
before(async () => {
  bench = await openPostgresBench()
})
after(() => bench.close())

interface Archiving {
  readonly receiver: LogReceiver
  status(): ObservedArchive | undefined
}

function archive(instance: TestInstance, objects: ObjectStore): Archiving {
  let status: ObservedArchive | undefined
  const receiver = new LogReceiver({
    open: () => bench.driver.openLog(instance.folder),
    archive: new LogArchive(objects, 'r/a/db'),
    clock: systemClock,
    log: memoryLog(),
    onStatus: (next) => (status = next),
  })
  return { receiver, status: () => status }
}

async function flushedTo(instance: TestInstance): Promise<bigint> {
  const source = await bench.driver.openLog(instance.folder)
  try {
    return (await source.identify()).lsn
  } finally {
    await source.close()
  }
}

async function archivedTo(archiving: Archiving, lsn: bigint): Promise<void> {
  await eventually(`the archive reaches ${lsn}`, () => {
    const status = archiving.status()
    return status && parseLsn(status.to) >= lsn && status.trouble === undefined ? true : undefined
  })
}

/** Every byte in the archive is the engine's, and none is missing up to `lsn`. */
async function requireSame(instance: TestInstance, objects: ObjectStore, lsn: bigint): Promise<void> {
  const log = new LogArchive(objects, 'r/a/db')
  const index = await log.index()
  const start = startOfRun(index)
  assert.ok(start)
  const chain = chainFrom(index, start)
  assert.equal(chain.missing, undefined)
  assert.ok(chain.end.lsn >= lsn, `the chain ends at ${chain.end.lsn}, not ${lsn}`)
  for (const { portion, timeline, lsn: from, to } of chain.links) {
    const bytes = (await log.get(portion)).subarray(Number(from - portion.start), Number(to - portion.start))
    const file = await readFile(join(instance.folder, 'data', 'pg_wal', segmentName(timeline, from)))
    const at = Number(from - segmentStart(from))
    assert.ok(bytes.equals(file.subarray(at, at + bytes.length)), `the portion at ${from}`)
  }
}

/** Keeps what it wrote, so that it can be compared. */
const SETTINGS = { shared_buffers: '2048', wal_keep_size: '512', max_slot_wal_keep_size: '-1' }

test('the log is archived to its last byte, whoever stops and starts meanwhile', async () => {
  const instance = await bench.create({ settings: SETTINGS })
  const objects = memoryObjects()
  await bench.sql(instance.spec, 'CREATE TABLE t (id int, text text)')
  for (let round = 0; round < 4; round++) {
    const archiving = archive(instance, objects)
    const writing = Array.from({ length: 5 }, (_, n) =>
      bench.sql(
        instance.spec,
        `INSERT INTO t SELECT n, repeat('x', 500) FROM generate_series(1, ${1_000 * (n + 1)}) n`,
      ),
    )
    // The first rounds are cut short at whatever byte they have come to.
    if (round < 3) await eventually('some of the log', () => archiving.status()?.to)
    await Promise.all(writing)
    if (round === 3) await archivedTo(archiving, await flushedTo(instance))
    await archiving.receiver.stop()
  }
  await requireSame(instance, objects, await flushedTo(instance))
  const keys = await Array.fromAsync(objects.list('r/a/db/log/'))
  const bytes = await flushedTo(instance)
  assert.ok(keys.length < 2 * Number(bytes >> 24n) + 12, `complete segments are joined: ${keys.length} objects`)
  await bench.driver.stop(instance.engine, 'fast', 20_000)
})

test('the time up to which all is archived follows the clock while nothing is written, and stands while the archive is away', async () => {
  const instance = await bench.create({ settings: SETTINGS })
  const objects = memoryObjects()
  let isAway = false
  const flaky: ObjectStore = {
    ...objects,
    put: (key, body) => (isAway ? Promise.reject(new Error('the archive is away')) : objects.put(key, body)),
  }
  const archiving = archive(instance, flaky)
  const until = async (time: number): Promise<void> => {
    await eventually(`archived until ${time}`, () => (archiving.status()?.until ?? 0) > time || undefined)
  }
  await until(systemClock.now())
  await until(systemClock.now())
  isAway = true
  await bench.sql(instance.spec, 'CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n')
  const away = await eventually('trouble', () => archiving.status()?.trouble)
  assert.match(away, /the archive is away/)
  const frozen = archiving.status()!
  const written = systemClock.now()
  await bench.sql(instance.spec, 'INSERT INTO t SELECT n FROM generate_series(1, 1000) n')
  assert.ok((archiving.status()!.until ?? 0) < written, 'nothing is promised of what is not archived')
  assert.equal(archiving.status()!.to, frozen.to)
  isAway = false
  await until(written)
  await requireSame(instance, objects, await flushedTo(instance))
  await archiving.receiver.stop()
  await bench.driver.stop(instance.engine, 'fast', 20_000)
})

test('log that the engine could not keep is a gap: what comes behind it is archived, and known to be apart', async () => {
  const settings = { shared_buffers: '2048', max_slot_wal_keep_size: '1', max_wal_size: '32', min_wal_size: '32' }
  const instance = await bench.create({ settings })
  const objects = memoryObjects()
  const first = archive(instance, objects)
  await archivedTo(first, await flushedTo(instance))
  const { from, to } = first.status()!
  await first.receiver.stop()
  await bench.sql(instance.spec, 'CREATE TABLE t (id int, text text)')
  const admin = await bench.driver.openLog(instance.folder)
  // Written until the engine has given up the segment that the archive would go on in.
  await eventually('a lost segment', async () => {
    await bench.sql(instance.spec, `INSERT INTO t SELECT n, repeat('x', 500) FROM generate_series(1, 30000) n`)
    await bench.sql(instance.spec, 'CHECKPOINT')
    const stream = await admin.stream({ timeline: 1, lsn: segmentStart(parseLsn(to)) }, () => {}).catch(() => undefined)
    stream?.close()
    return stream ? undefined : true
  })
  await admin.close()
  const second = archive(instance, objects)
  await archivedTo(second, await flushedTo(instance))
  assert.ok(parseLsn(second.status()!.from) > parseLsn(to))
  assert.match(
    chainFrom(await new LogArchive(objects, 'r/a/db').index(), { timeline: 1, lsn: parseLsn(from) }).missing!,
    /timeline 1/,
  )
  await second.receiver.stop()
  await bench.driver.stop(instance.engine, 'fast', 20_000)
})
