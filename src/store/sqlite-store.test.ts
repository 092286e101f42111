import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Trouble } from '#base/trouble.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { LocalStore } from './local/local-store.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { SqliteTable } from './sqlite/sqlite-table.ts'
import { storeConformance } from './store.conformance.ts'
import { StoreBusyError, StoreCorruptError } from './store.ts'

const clock = new SimulatedClock()

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-store-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

storeConformance('sqlite', async (t, simulated) => openSqliteStore(join(folder(t), 'state.db'), simulated))

test('a store opened again holds what was committed, and goes on with its revisions', async (t) => {
  const path = join(folder(t), 'state.db')
  const before = openSqliteStore(path, clock)
  const { revision } = await before.commit([], [{ op: 'put', key: 'a', value: '1' }])
  await before.close()
  const after = openSqliteStore(path, clock)
  t.after(() => after.close())
  assert.equal((await after.get('a'))!.modRevision, revision)
  assert.equal((await after.commit([], [{ op: 'put', key: 'b', value: '2' }])).revision, revision + 1)
})

test('leases of an earlier process are dead on open, and their keys are gone', async (t) => {
  const path = join(folder(t), 'state.db')
  const before = openSqliteStore(path, clock)
  const lease = await before.grantLease(60_000)
  await before.commit([], [{ op: 'put', key: 'claim', value: 'me', lease }])
  await before.close()
  const after = openSqliteStore(path, clock)
  t.after(() => after.close())
  assert.equal(await after.get('claim'), undefined)
  assert.equal(await after.renewLease(lease), false)
  assert.notEqual(await after.grantLease(1_000), lease)
})

test('a second opening is refused at once, and the first goes on', async (t) => {
  const path = join(folder(t), 'state.db')
  const first = openSqliteStore(path, clock)
  t.after(() => first.close())
  assert.throws(
    () => openSqliteStore(path, clock),
    (e) => e instanceof StoreBusyError && e.message.includes(path),
  )
  assert.ok((await first.commit([], [{ op: 'put', key: 'a', value: '1' }])).committed)
})

test('a file that is not a state file is named, with what to do, and left alone', (t) => {
  const path = join(folder(t), 'state.db')
  const refused = (e: unknown) =>
    e instanceof StoreCorruptError && e.message.includes(path) && /move it/.test(e.message)
  const text = 'this is a letter, not a database. '.repeat(200)
  writeFileSync(path, text)
  assert.throws(() => openSqliteStore(path, clock), refused)
  assert.equal(readFileSync(path, 'utf8'), text)
  rmSync(path)
  const other = new DatabaseSync(path)
  other.exec('CREATE TABLE song (title TEXT)')
  other.close()
  assert.throws(() => openSqliteStore(path, clock), refused)
})

test('a state file of a later format is refused', async (t) => {
  const path = join(folder(t), 'state.db')
  await openSqliteStore(path, clock).close()
  const db = new DatabaseSync(path)
  db.exec('PRAGMA user_version = 99')
  db.close()
  assert.throws(
    () => openSqliteStore(path, clock),
    (e) => e instanceof StoreCorruptError && /format 99/.test(e.message),
  )
})

test('a state file with damaged pages is refused', async (t) => {
  const path = join(folder(t), 'state.db')
  const store = openSqliteStore(path, clock)
  for (let i = 0; i < 50; i++) await store.commit([], [{ op: 'put', key: `k${i}`, value: 'v'.repeat(3_000) }])
  await store.close()
  const bytes = readFileSync(path)
  bytes.fill(0x5a, 4_096 * 3, 4_096 * 20)
  writeFileSync(path, bytes)
  assert.throws(() => openSqliteStore(path, clock), StoreCorruptError)
})

test('on a full disk a commit throws and changes nothing, and the store stays usable', async (t) => {
  const store = new LocalStore(SqliteTable.open(join(folder(t), 'state.db'), 200_000), clock)
  t.after(() => store.close())
  const fill = async (): Promise<never> => {
    for (let i = 0; ; i++) await store.commit([], [{ op: 'put', key: `k/${i}`, value: 'v'.repeat(20_000) }])
  }
  await assert.rejects(
    fill(),
    (e) => e instanceof Trouble && e.retryable && /is full; nothing was written/.test(e.message),
  )
  const { entries, revision } = await store.range('')
  assert.ok(entries.length > 3)
  assert.equal(entries.at(-1)!.modRevision, revision)
  const freed = await store.commit(
    [],
    [
      { op: 'delete', key: 'k/0' },
      { op: 'delete', key: 'k/1' },
    ],
  )
  assert.equal(freed.revision, revision + 1)
  assert.ok((await store.commit([], [{ op: 'put', key: 'after', value: 'v'.repeat(20_000) }])).committed)
})

test('nobody else may read the state file', async (t) => {
  const path = join(folder(t), 'state.db')
  const store = openSqliteStore(path, clock)
  t.after(() => store.close())
  for (const file of [path, `${path}-wal`]) assert.equal(statSync(file).mode & 0o777, 0o600)
})
