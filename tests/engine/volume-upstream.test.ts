import assert from 'node:assert/strict'
import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'
import { Upstream, type UpstreamOptions } from '#volume/postgres/upstream.ts'
import { lsnText, parseLsn } from '#wire/pg/lsn.ts'
import { RecordScanner } from '#wire/pg/record-scanner.ts'
import { dataOf } from '../../src/engine/postgres/layout.ts'
import { ADMIN, withSession } from '../../src/engine/postgres/sql.ts'
import { readLockFile } from '../../src/engine/postgres/lock-file.ts'
import { eventually } from '../support/eventually.ts'
import {
  never,
  openPostgresBench,
  PATIENCE_MS,
  type PostgresBench,
  type TestInstance,
} from '../support/postgres-bench.ts'
import { primaryOf } from '../support/replication.ts'

let bench: PostgresBench
before(async () => {
  bench = await openPostgresBench()
})
after(() => bench.close())

const HEAD = 'rds_head'

/** A writer on timeline 2 that waits for the head at every commit: stopped, started as a standby of nobody, promoted. */
async function promoted(version: string): Promise<TestInstance> {
  const writer = await bench.create({ version })
  await bench.sql(writer.spec, 'create table t (n int, text text)')
  await bench.driver.stop(writer.engine, 'fast', PATIENCE_MS)
  const spec = { ...writer.spec, replication: primaryOf([], [HEAD]) }
  await bench.driver.configure(writer.folder, spec)
  const account = bench.surroundings.account
  const signal = join(dataOf(writer.folder), 'standby.signal')
  writeFileSync(signal, '')
  if (account) chownSync(signal, account.uid, account.gid)
  const engine = bench.started(await bench.driver.start(writer.folder, spec, never))
  assert.equal(await bench.driver.promote(writer.folder, spec, never), 2)
  return { folder: writer.folder, spec, engine }
}

const asAdmin = <Row extends object>({ folder }: TestInstance, text: string): Promise<Row[]> =>
  withSession({ folder, surroundings: bench.surroundings }, ({ query }) => query<Row>(text), { database: 'shop' })

/** A head that keeps all in memory, and confirms as far as it is told to. */
class Kept {
  start: number | undefined
  starts = 0
  attachments = 0
  readonly pieces: Buffer[] = []
  readonly boundaries: number[] = []
  readonly losses: Error[] = []
  confirmsAll = false
  readonly upstream: Upstream

  constructor(t: TestContext, options: UpstreamOptions) {
    t.after(() => this.upstream.close())
    this.upstream = new Upstream(options, {
      attached: () => this.attachments++,
      epochStarts: (position) => {
        this.start = position
        this.starts++
        return position
      },
      data: (position, bytes, lastBoundary) => {
        assert.equal(position, this.end, 'without a gap')
        this.pieces.push(bytes)
        assert.ok(lastBoundary <= this.end)
        this.boundaries.push(lastBoundary)
        if (this.confirmsAll) this.upstream.confirm(lastBoundary)
      },
      lost: (error) => this.losses.push(error),
    })
  }

  get end(): number {
    return this.start! + this.pieces.reduce((sum, { length }) => sum + length, 0)
  }

  confirmAll(): void {
    this.confirmsAll = true
    this.upstream.confirm(this.boundaries.at(-1) ?? this.start!)
  }
}

async function optionsFor({ folder }: TestInstance, epoch = 2): Promise<UpstreamOptions> {
  const { socket } = (await readLockFile(folder))!
  return {
    address: { path: join(socket!.folder, `.s.PGSQL.${socket!.port}`) },
    user: ADMIN,
    password: bench.surroundings.adminPassword,
    name: HEAD,
    epoch,
    clock: systemClock,
    random: systemRandom,
  }
}

async function flushedTo(writer: TestInstance): Promise<number> {
  const [row] = await asAdmin<{ lsn: string }>(writer, 'SELECT pg_current_wal_flush_lsn()::text AS lsn')
  return Number(parseLsn(row!.lsn))
}

/** The function of pg_walinspect without the extension, whose script needs roles that are not here before version 18. */
const WAL_RECORDS = `CREATE FUNCTION public.wal_records(pg_lsn, pg_lsn, OUT start_lsn pg_lsn, OUT end_lsn pg_lsn,
  OUT prev_lsn pg_lsn, OUT xid xid, OUT resource_manager text, OUT record_type text, OUT record_length int4,
  OUT main_data_length int4, OUT fpi_length int4, OUT description text, OUT block_ref text)
  RETURNS SETOF record AS '$libdir/pg_walinspect', 'pg_get_wal_records_info' LANGUAGE C STRICT`

/** Ends of records by PostgreSQL's own reading. */
async function recordEnds(writer: TestInstance, from: number, to: number): Promise<number[]> {
  await asAdmin(writer, WAL_RECORDS)
  const [start, end] = [from, to].map((position) => lsnText(BigInt(position)))
  const text = `SELECT end_lsn::text AS lsn FROM public.wal_records('${start}', '${end}')`
  return (await asAdmin<{ lsn: string }>(writer, text)).map(({ lsn }) => Number(parseLsn(lsn)))
}

const LOAD = [
  `INSERT INTO public.t SELECT n, repeat('x', n % 3000) FROM generate_series(1, 2000) n`,
  'CREATE INDEX ON public.t (n)',
  'UPDATE public.t SET n = n + 1 WHERE n % 7 = 0',
  'SELECT pg_switch_wal()',
  'INSERT INTO public.t SELECT n FROM generate_series(1, 500) n',
]

for (const version of ['18.4', '15.18'])
  test(`the head of PostgreSQL ${version} gets its log from the epoch's start on, and knows where records end`, async (t) => {
    const writer = await promoted(version)
    const head = new Kept(t, await optionsFor(writer))
    head.upstream.start()
    await eventually('where the epoch starts', () => head.start)
    await eventually('that it is listened to', () => (head.pieces.length > 0 ? true : undefined))
    head.confirmAll()
    for (const statement of LOAD) await asAdmin(writer, statement)
    const end = await flushedTo(writer)
    await eventually('all of the log', () => (head.end >= end ? true : undefined))
    const ends = await recordEnds(writer, head.start!, end)
    assert.ok(ends.length > 3_000)
    const isEnd = new Set([head.start!, ...ends])
    const odd = head.boundaries.filter((at) => at <= end && at % 8_192 !== 0 && !isEnd.has(at))
    assert.deepEqual(odd, [])
    // At the end of every record, and nowhere else, when the log is cut there.
    const log = Buffer.concat(head.pieces)
    const scanner = new RecordScanner(head.start!)
    for (const at of ends) {
      scanner.feed(log.subarray(scanner.position - head.start!, at - head.start!))
      assert.equal(scanner.lastBoundary, at)
    }
    head.upstream.close()
    assert.deepEqual(head.losses, [])
    await bench.driver.kill(writer.engine)
  })

test('a commit is acknowledged when the head has confirmed it, over a lost connection too', async (t) => {
  const writer = await promoted('18.4')
  const head = new Kept(t, await optionsFor(writer))
  head.upstream.start()
  await eventually('the beginning', () => (head.pieces.length > 0 ? true : undefined))
  const session = await bench.client(writer.spec)
  let isDone = false
  const commit = session.query('insert into t values (1)').then(() => (isDone = true))
  const waits = async (): Promise<true | undefined> =>
    (await asAdmin(writer, `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)).length > 0 ? true : undefined
  await eventually('the commit waits', waits)
  const commitEnd = await flushedTo(writer)
  await eventually('the commit is here', () => (head.boundaries.at(-1)! >= commitEnd ? true : undefined))
  await asAdmin(writer, `SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = '${HEAD}'`)
  await eventually('that the connection is lost', () => (head.losses.length > 0 ? true : undefined))
  const [walSender] = await eventually('another', async () => {
    const text = `SELECT pid, flush_lsn::text AS flushed FROM pg_stat_replication WHERE application_name = '${HEAD}' AND state = 'streaming'`
    const rows = await asAdmin<{ pid: number; flushed: string }>(writer, text)
    return rows.length > 0 && rows[0]!.flushed !== null ? rows : undefined
  })
  assert.ok(Number(parseLsn(walSender!.flushed)) <= head.start!, 'nothing was confirmed')
  assert.equal(isDone, false)
  assert.equal(await waits(), true)
  head.confirmAll()
  await commit
  for (let n = 0; n < 20; n++) await session.query('insert into t values ($1)', [n])
  assert.equal(head.starts, 1)
  assert.equal(head.attachments, 2)
  await session.end()
  head.upstream.close()
  await bench.driver.kill(writer.engine)
})

test('a head that does not read on stops the log, and a writer of another timeline is none', async (t) => {
  const writer = await promoted('18.4')
  const head = new Kept(t, await optionsFor(writer))
  head.upstream.start()
  await eventually('the beginning', () => (head.pieces.length > 0 ? true : undefined))
  head.confirmAll()
  const session = await bench.client(writer.spec)
  await session.query('insert into t values (1)')
  head.upstream.flow(false)
  const before = head.end
  await session.query(`set synchronous_commit = local`)
  await session.query(`insert into t select n, repeat('x', 1000) from generate_series(1, 20000) n`)
  const end = await flushedTo(writer)
  // What cannot be sent waits at the writer: the kernel keeps far less than was written.
  assert.ok(end - before > 16 * 1024 * 1024)
  assert.ok(head.end - before < 1024 * 1024, `${head.end - before} bytes have come`)
  head.upstream.flow(true)
  await eventually('the rest', () => (head.end >= end ? true : undefined))
  await session.query(`set synchronous_commit = on`)
  await session.query('insert into t values (2)')
  await session.end()
  head.upstream.close()

  const other = new Kept(t, await optionsFor(writer, 3))
  other.upstream.start()
  await eventually('two tries', () => (other.losses.length >= 2 ? true : undefined))
  assert.match(other.losses[0]!.message, /on timeline 2, not on 3/)
  assert.equal(other.start, undefined)
  other.upstream.close()
  const wrong = new Kept(t, { ...(await optionsFor(writer)), password: 'wrong' })
  wrong.upstream.start()
  await eventually('a refusal', () => (wrong.losses.length > 0 ? true : undefined))
  assert.match(wrong.losses[0]!.message, /password authentication failed/)
  wrong.upstream.close()
  await bench.driver.kill(writer.engine)
  assert.deepEqual(head.losses, [], 'a closed head loses nothing')
})
