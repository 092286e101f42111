/** Snapshots of an engine that is being written to, of one that is stopped, and what cannot be restored. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { EngineError } from '#engine/engine.ts'
import { never, openPostgresBench, PATIENCE_MS } from '../support/postgres-bench.ts'
import type { PostgresBench, TestInstance } from '../support/postgres-bench.ts'

const ACCOUNTS = 2_000
const OPENING = 1_000

let bench: PostgresBench
let instance: TestInstance

before(async () => {
  bench = await openPostgresBench()
  instance = await bench.create()
  await bench.sql(
    instance.spec,
    `CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL, filler text DEFAULT repeat('x', 500));
     INSERT INTO account SELECT n, ${OPENING} FROM generate_series(1, ${ACCOUNTS}) n;
     CREATE TABLE transfer (client int, n int, PRIMARY KEY (client, n))`,
  )
})
after(() => bench.close())

async function restored(snapshot: string): Promise<TestInstance> {
  const { driver, root } = bench
  const spec = await bench.spec()
  const folder = join(root, 'instances', spec.id)
  await driver.restore(folder, spec, snapshot, never)
  await driver.configure(folder, spec)
  const engine = bench.started(await driver.start(folder, spec, never))
  await driver.seal(folder)
  return { folder, spec, engine }
}

/** Moves money about until told to stop. Returns how many transfers were acknowledged when `mark` was called last. */
function transfers(client: pg.Client, id: number): { mark(): number; stop(): Promise<void> } {
  let [acknowledged, isStopped] = [0, false]
  const work = async (): Promise<void> => {
    while (!isStopped) {
      const [from, to] = [1 + ((acknowledged * 7 + id) % ACCOUNTS), 1 + ((acknowledged * 13 + id * 31) % ACCOUNTS)]
      // In one order, so that two clients never wait for each other.
      const steps = [
        `UPDATE account SET balance = balance - 1 WHERE id = ${from}`,
        `UPDATE account SET balance = balance + 1 WHERE id = ${to}`,
      ]
      if (from > to) steps.reverse()
      await client.query(`BEGIN; ${steps.join('; ')}; INSERT INTO transfer VALUES (${id}, ${acknowledged}); COMMIT`)
      acknowledged++
    }
  }
  const done = work()
  return {
    mark: () => acknowledged,
    stop: async () => {
      isStopped = true
      await done
      await client.end()
    },
  }
}

test('a snapshot under load has every transaction that ended before it began, and no half ones', async () => {
  const clients = await Promise.all([1, 2, 3, 4].map(async (id) => transfers(await bench.client(instance.spec), id)))
  const deadline = Date.now() + PATIENCE_MS
  while (clients.some((client) => client.mark() < 20) && Date.now() < deadline)
    await new Promise((resolve) => setImmediate(resolve))
  const before = clients.map((client) => client.mark())
  const snapshot = join(bench.root, 'snapshots', 'under-load')
  // Each checkpoint moves the point that recovery would start from, were it not for what the snapshot remembers.
  const checkpointer = await bench.client(instance.spec)
  let isTaken = false
  const taking = bench.driver
    .snapshot(instance.folder, instance.spec, snapshot, true, never)
    .finally(() => (isTaken = true))
  while (!isTaken) await checkpointer.query('CHECKPOINT')
  await checkpointer.end()
  const facts = await taking
  const later = clients.map((client) => client.mark())
  for (const client of clients) await client.stop()
  assert.ok(
    later.every((count, at) => count > before[at]!),
    'transfers went on meanwhile',
  )
  assert.equal(facts.engineVersion, '18.4')

  const copy = await restored(snapshot)
  const [sum] = await bench.sql(copy.spec, 'SELECT sum(balance)::int AS sum, count(*)::int AS count FROM account')
  assert.deepEqual(sum, { sum: ACCOUNTS * OPENING, count: ACCOUNTS })
  const kept = await bench.sql(
    copy.spec,
    'SELECT client, count(*)::int AS count, max(n) AS last FROM transfer GROUP BY 1 ORDER BY 1',
  )
  for (const [at, { count, last }] of kept.entries()) {
    assert.ok((count as number) >= before[at]!, `client ${at + 1}: ${String(count)} of ${before[at]}`)
    assert.equal(last, (count as number) - 1, 'without a gap')
  }
  await bench.sql(copy.spec, 'INSERT INTO transfer VALUES (9, 9)')
  await bench.driver.stop(copy.engine, 'fast', PATIENCE_MS)
})

test('a snapshot leaves no slot and no backup mode behind, also when it is cancelled', async () => {
  const cancel = new AbortController()
  const target = join(bench.root, 'snapshots', 'cancelled')
  const taking = bench.driver.snapshot(instance.folder, instance.spec, target, true, cancel.signal)
  const isCopying = (): boolean => existsSync(join(target, 'data', 'base'))
  const deadline = Date.now() + PATIENCE_MS
  while (!isCopying() && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
  cancel.abort(new Error('cancelled'))
  await assert.rejects(taking, /cancelled/)
  const slots = 'SELECT count(*)::int AS count FROM pg_replication_slots'
  let count: unknown
  do count = (await bench.sql(instance.spec, slots))[0]!['count']
  while (count !== 0 && Date.now() < deadline)
  assert.equal(count, 0)
})

test('an instance that is allowed no replication slot can be snapshotted all the same', async () => {
  const { spec, folder, engine } = await bench.create({ settings: { max_replication_slots: '0' } })
  const snapshot = join(bench.root, 'snapshots', 'no-slot')
  await bench.driver.snapshot(folder, spec, snapshot, true, never)
  await bench.driver.stop(engine, 'fast', PATIENCE_MS)
  const copy = await restored(snapshot)
  assert.deepEqual(await bench.sql(copy.spec, 'SELECT 1 AS one'), [{ one: 1 }])
  await bench.driver.stop(copy.engine, 'fast', PATIENCE_MS)
})

test('a snapshot holds neither logs nor keys nor locks, and says what it is', async () => {
  const snapshot = join(bench.root, 'snapshots', 'tidy')
  const facts = await bench.driver.snapshot(instance.folder, instance.spec, snapshot, true, never)
  assert.deepEqual(readdirSync(snapshot).toSorted(), ['data', 'manifest.json'])
  const names = readdirSync(join(snapshot, 'data'))
  for (const name of ['postmaster.pid', 'postmaster.opts']) assert.ok(!names.includes(name), name)
  assert.deepEqual(readdirSync(join(snapshot, 'data', 'pg_replslot')), [])
  const manifest = JSON.parse(readFileSync(join(snapshot, 'manifest.json'), 'utf8')) as {
    version: string
    sizeBytes: number
  }
  assert.equal(manifest.version, '18.4')
  assert.equal(manifest.sizeBytes, facts.sizeBytes)
})

test('a snapshot of a stopped instance is restored, and one that crashed recovers first', async () => {
  for (const mode of ['fast', 'immediate'] as const) {
    const { folder, spec, engine } = await bench.create()
    await bench.sql(spec, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await bench.driver.stop(engine, mode, PATIENCE_MS)
    const snapshot = join(bench.root, 'snapshots', `stopped-${mode}`)
    await bench.driver.snapshot(folder, spec, snapshot, false, never)
    const copy = await restored(snapshot)
    assert.deepEqual(await bench.sql(copy.spec, 'SELECT answer FROM kept'), [{ answer: 42 }])
    await bench.driver.stop(copy.engine, 'fast', PATIENCE_MS)
  }
})

test('neither an absent snapshot nor one of another major version is restored', async () => {
  const spec = await bench.spec()
  const folder = join(bench.root, 'instances', spec.id)
  const absent = bench.driver.restore(folder, spec, join(bench.root, 'snapshots', 'absent'), never)
  await assert.rejects(absent, EngineError)
  const snapshot = join(bench.root, 'snapshots', 'under-load')
  const older = bench.driver.restore(folder, { ...spec, version: '17.10' }, snapshot, never)
  await assert.rejects(older, /of PostgreSQL 18 and cannot be restored as 17\.10/)
})

test('the driver still reaches an instance whose owner dropped the database postgres', async () => {
  const { folder, spec, engine } = await bench.create()
  await bench.sql(spec, 'ALTER DATABASE postgres SET role = app')
  assert.deepEqual(await bench.driver.pendingRestart(folder, spec), [])
  await bench.driver.setPassword(folder, spec, bench.master)
  await bench.sql(spec, 'DROP DATABASE postgres')
  assert.equal(await bench.driver.probe(folder, spec), true)
  await bench.driver.snapshot(folder, spec, join(bench.root, 'snapshots', 'no-postgres'), true, never)
  await bench.driver.stop(engine, 'fast', PATIENCE_MS)
})
