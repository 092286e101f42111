/** The driver of PostgreSQL with the bundled version: from nothing to a stopped engine, and what can go wrong. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { EngineError } from '#engine/engine.ts'
import { postgresDriver } from '#engine/postgres.ts'
import { engineAccount } from '#host/account.ts'
import { processOf } from '#host/process.ts'
import { freePort } from '../support/free-port.ts'
import { never, openPostgresBench, PASSWORD, PATIENCE_MS } from '../support/postgres-bench.ts'
import type { PostgresBench, TestInstance } from '../support/postgres-bench.ts'

let bench: PostgresBench
let instance: TestInstance

before(async () => {
  bench = await openPostgresBench()
  instance = await bench.create()
})
after(() => bench.close())

const isError = (code: EngineError['code'], message: RegExp) => (error: unknown) =>
  error instanceof EngineError && error.code === code && message.test(error.message)

test('a client that verifies everything connects as the master user to the first database', async () => {
  const rows = await bench.sql(
    instance.spec,
    'SELECT current_user::text AS me, current_database()::text AS database, version()',
  )
  assert.equal(rows[0]!['me'], 'app')
  assert.equal(rows[0]!['database'], 'shop')
  assert.match(String(rows[0]!['version']), /^PostgreSQL 18\.4 /)
})

test('a client without TLS is refused, until TLS is no longer required', async () => {
  await assert.rejects(bench.sql(instance.spec, 'SELECT 1', { ssl: false }), { code: '28000' })
  const open = { ...instance.spec, requireTls: false }
  await bench.driver.configure(instance.folder, open)
  await bench.driver.reload(instance.folder, open)
  assert.deepEqual(await bench.sql(open, 'SELECT 1 AS one', { ssl: false }), [{ one: 1 }])
  await bench.driver.configure(instance.folder, instance.spec)
  await bench.driver.reload(instance.folder, instance.spec)
  await assert.rejects(bench.sql(instance.spec, 'SELECT 1', { ssl: false }), { code: '28000' })
})

test('files of an instance are closed to everybody but the account of the engine', () => {
  for (const path of [instance.folder, join(instance.folder, 'data'), join(instance.folder, 'run')])
    assert.equal(statSync(path).mode & 0o077, 0, path)
  assert.equal(statSync(join(instance.folder, 'tls', 'key.pem')).mode & 0o177, 0)
})

test('bootstrapping again changes nothing, and a new password takes the place of the old one', async () => {
  await bench.driver.bootstrap(instance.folder, instance.spec, bench.master, 'shop')
  const { scramVerifier } = await import('#trust/scram.ts')
  const changed = { name: 'app', passwordVerifier: await scramVerifier('another one', { salt: Buffer.alloc(16, 7) }) }
  await bench.driver.setPassword(instance.folder, instance.spec, changed)
  await assert.rejects(bench.sql(instance.spec, 'SELECT 1'), { code: '28P01' })
  await bench.sql(instance.spec, 'SELECT 1', { password: 'another one' })
  await bench.driver.setPassword(instance.folder, instance.spec, bench.master)
  await bench.sql(instance.spec, 'SELECT 1', { password: PASSWORD })
})

test('a reload applies what can change at once and names what waits for a restart', async () => {
  const { driver } = bench
  const spec = { ...instance.spec, settings: { shared_buffers: '4096', work_mem: '7MB', max_connections: '33' } }
  await driver.configure(instance.folder, spec)
  assert.deepEqual(await driver.reload(instance.folder, spec), ['max_connections', 'shared_buffers'])
  assert.deepEqual(await driver.pendingRestart(instance.folder, spec), ['max_connections', 'shared_buffers'])
  assert.deepEqual(await bench.sql(spec, 'SHOW work_mem'), [{ work_mem: '7MB' }])
  await driver.configure(instance.folder, instance.spec)
  assert.deepEqual(await driver.reload(instance.folder, instance.spec), [])
})

test('a value that the engine does not take is bad-settings, at a reload and at a start', async () => {
  const { driver } = bench
  const bad = { ...instance.spec, settings: { ...instance.spec.settings, work_mem: 'plenty' } }
  await driver.configure(instance.folder, bad)
  await assert.rejects(driver.reload(instance.folder, bad), isError('bad-settings', /work_mem/))
  await driver.configure(instance.folder, instance.spec)
  await driver.reload(instance.folder, instance.spec)
})

test('settings that an engine cannot start with are bad-settings, and say which', async () => {
  const { driver } = bench
  const spec = await bench.spec()
  const folder = join(bench.root, 'instances', spec.id)
  await driver.initialize(folder, spec, never)
  const impossible: [Record<string, string>, RegExp][] = [
    [{ work_mem: 'plenty' }, /work_mem/],
    [{ no_such_setting: '1' }, /no_such_setting/],
    [{ shared_buffers: '1000000000' }, /memory/],
    [{ shared_preload_libraries: 'no_such_library' }, /no_such_library/],
    [{ max_connections: '10', superuser_reserved_connections: '10' }, /superuser_reserved_connections/],
    [{ max_wal_senders: '10', wal_level: 'minimal' }, /wal_level/],
  ]
  for (const [settings, message] of impossible) {
    const bad = { ...spec, settings }
    await driver.configure(folder, bad)
    await assert.rejects(driver.start(folder, bad, never), isError('bad-settings', message))
  }
  await driver.configure(folder, spec)
  const engine = bench.started(await driver.start(folder, spec, never))
  await driver.stop(engine, 'fast', PATIENCE_MS)
})

test('settings of the driver in a spec are not used, and a value cannot become another line', async () => {
  const { driver } = bench
  const spec = { ...instance.spec, settings: { ...instance.spec.settings, ssl: 'off', application_name: `it's\\ok` } }
  await driver.configure(instance.folder, spec)
  await driver.reload(instance.folder, spec)
  assert.deepEqual(await bench.sql(spec, 'SHOW ssl'), [{ ssl: 'on' }])
  assert.match(
    readFileSync(join(instance.folder, 'data', 'postgresql.conf'), 'utf8'),
    /application_name = 'it''s\\\\ok'/,
  )
  const broken = { ...spec, settings: { work_mem: `1MB'\nssl = off` } }
  await assert.rejects(driver.configure(instance.folder, broken), isError('bad-settings', /work_mem/))
  await driver.configure(instance.folder, instance.spec)
  await driver.reload(instance.folder, instance.spec)
})

test('a port that somebody else has is port-busy', async () => {
  const { driver } = bench
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address && typeof address === 'object')
  const spec = await bench.spec({ port: address.port })
  const folder = join(bench.root, 'instances', spec.id)
  await driver.initialize(folder, spec, never)
  await driver.configure(folder, spec)
  await assert.rejects(driver.start(folder, spec, never), isError('port-busy', /Address already in use/))
  server.close()
})

test('an engine is adopted by another driver, also when nobody wrote down its process', async () => {
  const other = postgresDriver(bench.surroundings)
  const adopted = await other.adopt(instance.folder, instance.spec)
  assert.equal(adopted?.pid, instance.engine.pid)
  writeFileSync(join(instance.folder, 'engine.json'), JSON.stringify({ pid: 1, startedAt: 'another boot' }))
  assert.equal((await other.adopt(instance.folder, instance.spec))?.pid, instance.engine.pid)
  assert.equal(await other.probe(instance.folder, instance.spec), true)
})

test('a lock file that names a stranger is nobody to adopt, and does not keep the engine from starting', async () => {
  const { driver } = bench
  const { folder, spec, engine } = await bench.create()
  process.kill(engine.pid, 'SIGKILL')
  await engine.exited
  assert.equal(await driver.probe(folder, spec), false)
  const lock = join(folder, 'data', 'postmaster.pid')
  // As after a restart of the machine: the engine of another instance has the pid now.
  writeFileSync(lock, readFileSync(lock, 'utf8').replace(/^\d+/, String(instance.engine.pid)))
  assert.equal(await driver.adopt(folder, spec), undefined)
  const again = bench.started(await startWhenFree(folder, spec))
  assert.deepEqual(await bench.sql(spec, 'SELECT 1 AS one'), [{ one: 1 }])
  await driver.stop(again, 'immediate', PATIENCE_MS)
})

test('neither a dead process that nobody has reaped nor an empty lock file keeps the engine from starting', async () => {
  const { driver } = bench
  const { folder, spec, engine } = await bench.create()
  const lock = join(folder, 'data', 'postmaster.pid')
  // A shell's child that outlives the exec has a parent that never asks after it, so it stays a zombie. It lives until
  // its input ends.
  const script = 'cat <&3 & echo $!; exec 3<&-; exec sleep 600'
  const parent = spawn('sh', ['-c', script], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    // The engine takes a process of another account for none of its kind.
    ...(await engineAccount(process.env)),
  })
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  try {
    const [printed] = (await once(parent.stdout!, 'data')) as [Buffer]
    const pid = Number(printed.toString())
    while (readFileSync(`/proc/${parent.pid}/comm`, 'utf8') !== 'sleep\n') await turn()
    parent.stdio[3]!.destroy()
    while (processOf(pid)) await turn()
    assert.equal(process.kill(pid, 0), true, 'to who asks by signal alone it is there')
    process.kill(engine.pid, 'SIGKILL')
    await engine.exited
    for (const file of [lock, join(folder, 'run', `.s.PGSQL.${spec.port}.lock`)])
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(pid)))
    const again = bench.started(await startWhenFree(folder, spec))
    process.kill(again.pid, 'SIGKILL')
    await again.exited
    // As after a death between making the file and writing it.
    writeFileSync(lock, '')
    const third = bench.started(await startWhenFree(folder, spec))
    assert.deepEqual(await bench.sql(spec, 'SELECT 1 AS one'), [{ one: 1 }])
    await driver.stop(third, 'immediate', PATIENCE_MS)
  } finally {
    parent.kill()
  }
})

/** The children of a killed engine take a moment to notice, and the engine does not start before they are gone. */
async function startWhenFree(folder: string, spec: TestInstance['spec']): Promise<TestInstance['engine']> {
  for (const until = Date.now() + PATIENCE_MS; ;) {
    try {
      return await bench.driver.start(folder, spec, never)
    } catch (error) {
      if (Date.now() > until || !/still in use/.test(String(error))) throw error
    }
  }
}

test('a cancelled start leaves no process', async () => {
  const { driver } = bench
  const spec = await bench.spec()
  const folder = join(bench.root, 'instances', spec.id)
  await driver.initialize(folder, spec, never)
  await driver.configure(folder, spec)
  const cancel = new AbortController()
  const starting = driver.start(folder, spec, cancel.signal)
  const file = join(folder, 'engine.json')
  while (!readdirSync(folder).includes('engine.json')) await new Promise((resolve) => setImmediate(resolve))
  const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number }
  cancel.abort(new Error('cancelled'))
  await assert.rejects(starting, /cancelled/)
  assert.equal(processOf(pid), undefined)
})

test('a fast stop ends sessions, a smart one waits for them and becomes fast', async () => {
  const { driver } = bench
  const { folder, spec, engine } = await bench.create()
  const idle = await bench.client(spec)
  await driver.stop(engine, 'fast', PATIENCE_MS)
  await assert.rejects(idle.query('SELECT 1'))
  const again = bench.started(await driver.start(folder, spec, never))
  const stubborn = await bench.client(spec)
  await driver.stop(again, 'smart', 200)
  await assert.rejects(stubborn.query('SELECT 1'))
  assert.equal(processOf(again.pid), undefined)
  assert.equal(await driver.adopt(folder, spec), undefined)
})

test('an engine that was stopped at once recovers what was committed', async () => {
  const { driver } = bench
  const { folder, spec, engine } = await bench.create()
  await bench.sql(spec, 'CREATE TABLE kept AS SELECT 42 AS answer')
  await driver.stop(engine, 'immediate', PATIENCE_MS)
  const again = bench.started(await driver.start(folder, spec, never))
  assert.deepEqual(await bench.sql(spec, 'SELECT answer FROM kept'), [{ answer: 42 }])
  await driver.stop(again, 'fast', PATIENCE_MS)
})

test('a restart moves the engine to another port', async () => {
  const { driver } = bench
  const { folder, spec, engine } = await bench.create()
  const moved = { ...spec, port: await freePort() }
  await driver.configure(folder, moved)
  assert.equal(await driver.probe(folder, moved), true, 'it still serves where it was started')
  await driver.stop(engine, 'fast', PATIENCE_MS)
  const again = bench.started(await driver.start(folder, moved, never))
  assert.deepEqual(await bench.sql(moved, 'SELECT 1 AS one'), [{ one: 1 }])
  await driver.stop(again, 'fast', PATIENCE_MS)
})

test('log files are listed and read in whole lines, and no name leads out of their folder', async () => {
  const { driver } = bench
  const [log] = await driver.logs(instance.folder)
  assert.match(log!.name, /^error\/postgresql\.log\.\d{4}-\d\d-\d\d-\d\d$/)
  let text = ''
  for (let offset = 0; ;) {
    const part = await driver.readLog(instance.folder, log!.name, offset, 300)
    assert.ok(part)
    if (part.nextOffset === offset) break
    text += part.text
    offset = part.nextOffset
  }
  assert.match(text, /database system is ready to accept connections\n/)
  assert.ok(text.endsWith('\n'))
  for (const name of [
    'error/../../data/postgresql.conf',
    'error/absent',
    '../data/PG_VERSION',
    'error/postgresql.log.2001-01-01-01',
  ])
    assert.equal(await driver.readLog(instance.folder, name, 0, 100), undefined)
})

test('neither passwords nor their verifiers are in the log, whatever is logged', async () => {
  const { driver } = bench
  const { folder, spec, engine } = await bench.create({
    settings: { log_statement: 'all', log_min_duration_statement: '0' },
  })
  await driver.setPassword(folder, spec, bench.master)
  await driver.stop(engine, 'fast', PATIENCE_MS)
  const logs = readdirSync(join(folder, 'log', 'error')).map((name) =>
    readFileSync(join(folder, 'log', 'error', name), 'utf8'),
  )
  assert.ok(logs.length > 0)
  assert.ok(logs.every((text) => !text.includes('SCRAM-SHA-256') && !text.includes(bench.surroundings.adminPassword)))
})

test('a version that nobody has is engine-unavailable and says what runs', async () => {
  await assert.rejects(
    bench.driver.prepare('18.99', () => {}),
    isError('engine-unavailable', /18\.4/),
  )
})

test('a version that cannot be fetched is engine-unavailable and says why', async () => {
  const offline = postgresDriver({
    ...bench.surroundings,
    env: {
      ...process.env,
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_cache: join(bench.root, 'npm-cache'),
    },
  })
  await assert.rejects(
    offline.prepare('17.9', () => {}),
    isError('engine-unavailable', /could not be fetched: .*18\.4/s),
  )
  const left = readdirSync(join(bench.root, 'engines', 'postgres')).filter((name) => name !== 'spares')
  assert.deepEqual(left.toSorted(), ['18.4', 'templates'])
})
