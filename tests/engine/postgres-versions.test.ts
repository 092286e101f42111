/**
 * What the master user may and may not do, and a snapshot and its restore, on every generation of PostgreSQL whose
 * roles or functions differ. 15 comes from the system where that has it, 18 with Holdfast, the others from npm.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { majorOf } from '#catalog/postgres-versions.ts'
import { EngineError } from '#engine/engine.ts'
import { systemPostgresVersions } from '#engine/postgres.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { CANCELLED_FOLDER, MISSING_FUNCTION } from '#wire/postgres/assurance.ts'
import { eventually } from '../support/eventually.ts'
import { never, openPostgresBench, PASSWORD, PATIENCE_MS } from '../support/postgres-bench.ts'
import type { PostgresBench, TestInstance } from '../support/postgres-bench.ts'
import { follow, primaryOf, reconfigure } from '../support/replication.ts'

/** Of the system; no package brings it. */
const DUMP = 'pg_dump'
const SYSTEM_BIN = '/usr/lib/postgresql/15/bin'
const systemEnv = { PATH: '/usr/bin:/bin', HOLDFAST_POSTGRES_BIN: SYSTEM_BIN }
const system = existsSync(SYSTEM_BIN) ? (await systemPostgresVersions(systemEnv))[0] : undefined

const generations = [
  { version: '12.22', env: process.env },
  { version: '14.23', env: process.env },
  ...(system === undefined ? [] : [{ version: system, env: systemEnv }]),
  { version: '16.14', env: process.env },
  { version: '17.10', env: process.env },
  { version: '18.4', env: process.env },
]

for (const { version, env } of generations) {
  describe(`PostgreSQL ${version}`, () => {
    let bench: PostgresBench
    let instance: TestInstance
    let missing: string | undefined
    const major = majorOf(version)

    before(async () => {
      bench = await openPostgresBench(env)
      try {
        await bench.driver.prepare(version, () => {})
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== 'engine-unavailable') throw error
        missing = error.message
        return
      }
      instance = await bench.create({ version })
    })
    after(() => bench.close())

    const refused = async (text: string, code: RegExp = /^42501$/): Promise<void> => {
      await assert.rejects(bench.sql(instance.spec, text), (error: Error & { code?: string }) => {
        assert.match(error.code ?? '', code, `${text}: ${error.message}`)
        return true
      })
    }
    const allowed = (text: string, database = 'shop'): Promise<unknown> => bench.sql(instance.spec, text, { database })

    test('a standby that takes over has none of the logical slots of its primary', async (t) => {
      if (missing !== undefined) return t.skip(missing)
      if (major !== 16) return t.skip('one version before 17 is enough; from 17 on slots can be kept')
      const primary = await bench.create({ version, settings: { shared_buffers: '2048', wal_level: 'logical' } })
      await bench.driver.tendConsumers(primary.folder, primary.spec)
      const standby = await follow(bench, primary)
      const keeping = await reconfigure(bench, primary, { ...primaryOf(['b'], ['b']), standbyKeepsSlots: true })
      await bench.driver.awaitSynchronous(primary.folder, keeping, never)
      await bench.sql(primary.spec, `select pg_create_logical_replication_slot('s', 'test_decoding')`)
      await bench.driver.kill(primary.engine)
      const promoted: InstanceSpec = { ...standby.spec, replication: primaryOf([], []) }
      await bench.driver.configure(standby.folder, promoted)
      await bench.driver.promote(standby.folder, promoted, never)
      const read = bench.sql(promoted, `select pg_logical_slot_get_changes('s', null, null)`)
      await assert.rejects(read, { code: '42704' })
    })

    test('it is measured as far as it counts', async (t) => {
      if (missing !== undefined) return t.skip(missing)
      const facts = await bench.driver.measure(instance.folder, instance.spec, true)
      assert.equal(facts.connections, 0)
      assert.ok(facts.reads! >= 0 && facts.transactionIds! > 0 && facts.logGeneratedBytes! > 0)
      assert.equal(facts.writes !== undefined, major >= 14)
    })

    test('whoever cancels a session by SQL leaves word of it first, once there are followers', async (t) => {
      if (missing !== undefined) return t.skip(missing)
      const replication = { role: 'primary', followers: [], synchronous: [] } as const
      for (let times = 0; times < 2; times++)
        await bench.driver.admitFollowers(instance.folder, { ...instance.spec, replication })
      const client = await bench.client(instance.spec)
      const asleep = assert.rejects(client.query('SELECT pg_sleep(600)'), { code: '57014' })
      const pid = await eventually('the session sleeps', async () => {
        const [row] = await bench.sql(instance.spec, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        return row?.['pid'] as number | undefined
      })
      await allowed(`SELECT pg_cancel_backend(${pid})`, 'postgres')
      await asleep
      await client.end()
      assert.ok(existsSync(join(instance.folder, CANCELLED_FOLDER, String(pid))))
      const [asked] = await bench.sql(instance.spec, `SELECT ${MISSING_FUNCTION}() AS missing`)
      assert.deepEqual(asked, { missing: null })
    })

    test('the master user is an administrator', async (t) => {
      if (missing !== undefined) return t.skip(missing)
      const [me] = await bench.sql(
        instance.spec,
        `SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, pg_has_role('rds_superuser', 'USAGE') AS member,
           pg_has_role('pg_monitor', 'USAGE') AS monitor FROM pg_roles WHERE rolname = 'app'`,
      )
      assert.deepEqual(me, {
        rolsuper: false,
        rolcreatedb: true,
        rolcreaterole: true,
        rolreplication: false,
        rolbypassrls: false,
        member: true,
        monitor: true,
      })
      await allowed(`CREATE ROLE colleague LOGIN PASSWORD 'also-secret'`)
      await allowed('GRANT rds_superuser TO colleague')
      await allowed('GRANT pg_monitor TO colleague')
      await allowed('CREATE DATABASE second')
      await allowed(
        'CREATE TABLE mine (n int); CREATE SCHEMA more; GRANT CREATE ON SCHEMA public TO colleague',
        'second',
      )
      await allowed('CREATE TABLE ours (n int); CREATE SCHEMA more', 'postgres')
      await allowed('REVOKE ALL ON SCHEMA public FROM PUBLIC', 'second')
      if (major >= 15) await allowed('SET session_replication_role = replica')
      await allowed('SELECT count(*) FROM pg_stat_activity; SELECT pg_ls_waldir()')
    })

    test('the master user creates the extensions of RDS, and no others', async (t) => {
      if (missing !== undefined) return t.skip(missing)
      if (major < 13) return refused('CREATE EXTENSION pgcrypto')
      const wanted = [
        'pgcrypto',
        'uuid-ossp',
        'hstore',
        'pg_trgm',
        'pg_stat_statements',
        'dblink',
        'amcheck',
        'earthdistance',
      ]
      for (const name of [...wanted, 'postgres_fdw', 'btree_gist', 'bloom', 'pg_buffercache'])
        await allowed(`CREATE EXTENSION "${name}" CASCADE`)
      await allowed(`CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'localhost')`)
      await allowed(`CREATE TABLE checked (n int PRIMARY KEY); SELECT bt_index_check('checked_pkey')`)
      const [may] = await bench.sql(
        instance.spec,
        `SELECT bool_and(has_function_privilege(oid, 'EXECUTE')) AS all FROM pg_proc WHERE proname = 'pg_stat_statements_reset'`,
      )
      assert.deepEqual(may, { all: true })
      await refused('CREATE EXTENSION file_fdw')
      await refused('CREATE EXTENSION pageinspect')
    })

    test('the master user reaches neither the files nor the shell of the host', async (t) => {
      if (missing !== undefined) return t.skip(missing)
      await allowed('CREATE TABLE lines (line text)')
      await refused(`COPY lines FROM PROGRAM 'id'`)
      await refused(`COPY lines TO PROGRAM 'cat'`)
      await refused(`COPY lines FROM '/etc/passwd'`)
      await refused(`COPY lines TO '/tmp/holdfast-test-never-written'`)
      await refused(`SELECT pg_read_file('PG_VERSION')`)
      await refused(`SELECT pg_ls_dir('.')`)
      await refused(`SELECT lo_import('/etc/passwd')`)
      await refused(`ALTER SYSTEM SET work_mem = '1MB'`)
      await refused(`SET session_preload_libraries = 'x'`)
      await refused(`CREATE FUNCTION shell(text) RETURNS int LANGUAGE c AS 'libc.so.6', 'system'`)
      await refused(`LOAD '/tmp/x.so'`)
      await refused('UPDATE pg_authid SET rolsuper = true')
    })

    test('the master user cannot become a superuser, by any role', async (t) => {
      if (missing !== undefined) return t.skip(missing)
      await refused('ALTER ROLE app SUPERUSER')
      await refused('CREATE ROLE boss SUPERUSER')
      await refused('GRANT rdsadmin TO app')
      await refused('SET ROLE rdsadmin')
      await refused('SET SESSION AUTHORIZATION rdsadmin')
      await refused(`ALTER ROLE rdsadmin PASSWORD 'mine'`)
      await refused('DROP ROLE rdsadmin')
      await refused('ALTER ROLE rdsadmin RENAME TO other')
      await refused('CREATE ROLE copier REPLICATION')
      for (const role of ['pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'])
        await refused(`GRANT ${role} TO app`, major < 16 ? /^42704$/ : /^42501$/)
    })

    test('nobody logs in as rdsadmin over the network, not even with its password', async (t) => {
      if (missing !== undefined) return t.skip(missing)
      const password = bench.surroundings.adminPassword
      for (const ssl of [false, { ca: bench.caPem }])
        await assert.rejects(
          bench.sql(instance.spec, 'SELECT 1', { user: 'rdsadmin', password, database: 'postgres', ssl }),
          { code: '28000' },
        )
    })

    test('pg_dump of a whole database works for the master user', async (t) => {
      if (missing !== undefined) return t.skip(missing)
      const client = spawnSync(DUMP, ['--version'], { encoding: 'utf8' })
      const tool = Number(/(\d+)\./.exec(client.stdout ?? '')?.[1] ?? 0)
      if (tool < major) return t.skip('pg_dump here is missing or older than the server')
      const env = { ...process.env, PGPASSWORD: PASSWORD, PGSSLMODE: 'require' }
      const address = ['-h', 'localhost', '-p', String(instance.spec.port), '-U', 'app']
      const dump = spawnSync(DUMP, [...address, 'postgres'], { encoding: 'utf8', env })
      assert.equal(dump.status, 0, dump.stderr)
      assert.match(dump.stdout, /CREATE TABLE public\.ours/)
      assert.doesNotMatch(dump.stdout, /rdsadmin|rds_superuser/, 'it can be restored where these roles are not')
    })

    test('a snapshot of the running engine is restored as a cluster of its own', async (t) => {
      if (missing !== undefined) return t.skip(missing)
      const { driver, root } = bench
      await allowed('CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n')
      const snapshot = join(root, 'snapshots', 'of-running')
      const facts = await driver.snapshot(instance.folder, instance.spec, snapshot, true, never)
      assert.equal(facts.engineVersion, version)
      assert.ok(facts.sizeBytes > 16_000_000)
      await allowed('DROP TABLE kept')
      const spec = await bench.spec({ version })
      const folder = join(root, 'instances', spec.id)
      await driver.restore(folder, spec, snapshot, never)
      await driver.configure(folder, spec)
      const engine = bench.started(await driver.start(folder, spec, never))
      assert.deepEqual(await bench.sql(spec, 'SELECT sum(n)::int AS sum FROM kept'), [{ sum: 500_500 }])
      const identity = 'SELECT system_identifier::text AS id FROM pg_control_system()'
      assert.notDeepEqual(await bench.sql(spec, identity), await bench.sql(instance.spec, identity))
      await driver.stop(engine, 'fast', PATIENCE_MS)
    })
  })
}
