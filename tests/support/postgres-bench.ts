/** Real PostgreSQL for tests of the driver alone: a temporary folder, a certificate, instances, and clients of them. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { GIB } from '#base/bytes.ts'
import type { EngineDriver, EngineProcess } from '#engine/engine.ts'
import { postgresDriver } from '#engine/postgres.ts'
import type { PostgresSurroundings } from '#engine/postgres.ts'
import { engineAccount } from '#host/account.ts'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'
import { openAuthority } from '#trust/open-authority.ts'
import { scramVerifier } from '#trust/scram.ts'
import type { InstanceSpec, MasterUser, TlsFiles } from '#wire/agent/messages.ts'
import { freePort } from './free-port.ts'

export const PASSWORD = 'correct-horse-battery'
/** Of the role as which gateways ask engines. */
export const GATE_PASSWORD = 'gate-of-the-bench'
export const PATIENCE_MS = 20_000
export const never = new AbortController().signal

export interface TestInstance {
  readonly folder: string
  readonly spec: InstanceSpec
  engine: EngineProcess
}

export interface PostgresBench {
  readonly root: string
  readonly caPem: string
  readonly surroundings: PostgresSurroundings
  readonly driver: EngineDriver
  readonly master: MasterUser
  spec(overrides?: Partial<InstanceSpec>): Promise<InstanceSpec>
  /** Initialised, started and bootstrapped, with the database `shop`. */
  create(overrides?: Partial<InstanceSpec>): Promise<TestInstance>
  /** As `app`, who is the master user, over TLS with everything verified, unless told otherwise. */
  client(spec: InstanceSpec, options?: pg.ClientConfig): Promise<pg.Client>
  /** Runs one statement in a session of its own. */
  sql(spec: InstanceSpec, text: string, options?: pg.ClientConfig): Promise<Record<string, unknown>[]>
  /** Counts towards what `close` stops. */
  started(engine: EngineProcess): EngineProcess
  close(): Promise<void>
}

export async function openPostgresBench(env: Record<string, string | undefined> = process.env): Promise<PostgresBench> {
  const root = mkdtempSync(join(tmpdir(), 'hf-pg-'))
  // Engines run under another account, which must be able to pass.
  chmodSync(root, 0o711)
  for (const name of ['engines', 'instances', 'snapshots']) mkdirSync(join(root, name), { mode: 0o711 })
  mkdirSync(join(root, 'trust'), { mode: 0o700 })
  const authority = openAuthority(join(root, 'trust'), systemClock, systemRandom)
  const tls: TlsFiles = await authority.issue(authority.defaultIdentifier, ['localhost', '127.0.0.1'])
  const surroundings: PostgresSurroundings = {
    enginesFolder: join(root, 'engines'),
    account: await engineAccount(process.env),
    adminPassword: systemRandom.uuid(),
    gatePassword: GATE_PASSWORD,
    clock: systemClock,
    random: systemRandom,
    env,
  }
  const driver = postgresDriver(surroundings)
  const master = { name: 'app', passwordVerifier: await scramVerifier(PASSWORD, { salt: systemRandom.bytes(16) }) }
  const engines = new Set<EngineProcess>()
  let count = 0

  const bench: PostgresBench = {
    root,
    caPem: tls.caPem,
    surroundings,
    driver,
    master,
    async spec(overrides = {}) {
      const { certificatePem, privateKeyPem, caPem } = tls
      return {
        id: `db-${++count}`,
        engine: 'postgres',
        version: '18.4',
        listenAddress: '127.0.0.1',
        port: await freePort(),
        settings: { shared_buffers: '2048' },
        requireTls: true,
        tls: { certificatePem, privateKeyPem, caPem },
        capacity: { vcpus: 2, memoryBytes: GIB, storageBytes: 20 * GIB },
        ...overrides,
      }
    },
    async create(overrides) {
      const spec = await bench.spec(overrides)
      const folder = join(root, 'instances', spec.id)
      await driver.initialize(folder, spec, never)
      await driver.configure(folder, spec)
      const engine = bench.started(await driver.start(folder, spec, never))
      await driver.bootstrap(folder, spec, master, 'shop')
      await driver.seal(folder)
      return { folder, spec, engine }
    },
    async client(spec, options = {}) {
      const client = new pg.Client({
        host: 'localhost',
        port: spec.port,
        user: master.name,
        password: PASSWORD,
        database: 'shop',
        ssl: { ca: tls.caPem, rejectUnauthorized: true },
        ...options,
      })
      client.on('error', () => {})
      await client.connect()
      return client
    },
    async sql(spec, text, options) {
      const client = await bench.client(spec, options)
      try {
        return (await client.query<Record<string, unknown>>(text)).rows
      } finally {
        await client.end()
      }
    },
    started(engine) {
      engines.add(engine)
      void engine.exited.then(() => engines.delete(engine))
      return engine
    },
    async close() {
      for (const engine of [...engines]) await driver.stop(engine, 'immediate', PATIENCE_MS)
      rmSync(root, { recursive: true, force: true })
    },
  }
  return bench
}
