/** What a second copy is worth and what it costs: failovers beside a promotion by hand, commits beside a standby set up by hand. */
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateDBInstanceCommand, type DBInstance } from '@aws-sdk/client-rds'
import pg from 'pg'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { createInput, instanceIn, PASSWORD as API_PASSWORD, query } from '../../tests/support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../../tests/support/holdfast.ts'
import {
  freePort,
  never,
  openPostgresBench,
  PASSWORD,
  type PostgresBench,
  type TestInstance,
} from '../../tests/support/postgres-bench.ts'
import { engineOf, zoneOf } from '../../tests/support/processes.ts'

const run = promisify(execFile)

const FAILOVERS = 20
const PROMOTIONS = 7
const ROUNDS = 5
const SECONDS = 3

type Row = [what: string, value: string]

export async function benchAvailability(): Promise<Row[]> {
  const bench = await openPostgresBench()
  const holdfast = await startHoldfast({ env: { HOLDFAST_FAILOVER_PAUSE_MS: '0' } })
  try {
    const rds = holdfast.rds()
    await rds.send(new CreateDBInstanceCommand(createInput('two', { MultiAZ: true, BackupRetentionPeriod: 0 })))
    const instance = await whole(holdfast)
    await query(holdfast, instance, 'create table written (n serial primary key)')
    const commits = await compareCommits(holdfast, instance, bench)
    const [failovers, promotions]: [number[], number[]] = [[], []]
    for (let round = 0; round < FAILOVERS; round++) {
      failovers.push(await failover(holdfast))
      if (round % Math.ceil(FAILOVERS / PROMOTIONS) === 0) promotions.push(await promotionByHand(bench))
    }
    return [
      ['kill -9 of a primary to the first commit, `pg_promote` by hand at once', ms(median(promotions))],
      [
        `the same through a Multi-AZ endpoint, ${FAILOVERS} failovers: p50, max`,
        `${ms(median(failovers))}, ${ms(Math.max(...failovers))}`,
      ],
      [
        '**difference** of the medians (aim < 1000 ms; AWS: 60–120 s in all)',
        ms(median(failovers) - median(promotions)),
      ],
      ...commits,
    ]
  } finally {
    await discard(holdfast)
    await bench.close()
  }
}

const whole = (holdfast: Holdfast): Promise<DBInstance> =>
  instanceIn(holdfast.rds(), 'two', 'available', ({ MultiAZ }) => MultiAZ === true)

async function failover(holdfast: Holdfast): Promise<number> {
  const instance = await whole(holdfast)
  const login: pg.ClientConfig = {
    host: '127.0.0.1',
    port: instance.Endpoint!.Port!,
    user: 'app',
    password: API_PASSWORD,
    database: 'postgres',
    ssl: { rejectUnauthorized: false },
  }
  const primary = await engineOf(holdfast.state, zoneOf(instance), instance)
  await firstCommit(login)
  const start = performance.now()
  process.kill(primary, 'SIGKILL')
  await firstCommit(login)
  return performance.now() - start
}

/** The next commit that a client gets acknowledged, who tries again at once. */
async function firstCommit(login: pg.ClientConfig): Promise<void> {
  for (;;) {
    const client = new pg.Client(login)
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('insert into written default values')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2))
    } finally {
      await client.end().catch(() => {})
    }
  }
}

interface Pair {
  readonly primary: TestInstance
  readonly standby: TestInstance
}

let pairs = 0

/** A primary that waits for its standby, set up with the engine's own means alone. */
async function pairByHand(bench: PostgresBench): Promise<Pair> {
  const { driver } = bench
  const primary = await bench.create({ settings: { shared_buffers: '16384' } })
  const waiting = async (synchronous: readonly string[]): Promise<InstanceSpec> => {
    const spec: InstanceSpec = { ...primary.spec, replication: { role: 'primary', followers: ['b'], synchronous } }
    await driver.configure(primary.folder, spec)
    await driver.reload(primary.folder, spec)
    await driver.admitFollowers(primary.folder, spec)
    return spec
  }
  const source = await waiting([])
  await bench.sql(primary.spec, 'create table written (n serial primary key)')
  const seed = join(bench.root, 'snapshots', `pair-${++pairs}`)
  await driver.snapshot(primary.folder, source, seed, true, never)
  const folder = join(bench.root, 'instances', `${primary.spec.id}-standby`)
  mkdirSync(folder, { mode: 0o711 })
  const spec: InstanceSpec = {
    ...primary.spec,
    port: await freePort(),
    replication: {
      role: 'standby',
      name: 'b',
      followers: [],
      source: { host: '127.0.0.1', port: primary.spec.port, caPem: primary.spec.tls.caPem },
      readable: false,
    },
  }
  await driver.follow(folder, spec, seed, never)
  await driver.configure(folder, spec)
  const engine = bench.started(await driver.start(folder, spec, never))
  const awaited = await waiting(['b'])
  await driver.awaitSynchronous(primary.folder, awaited, never)
  return { primary, standby: { folder, spec, engine } }
}

async function promotionByHand(bench: PostgresBench): Promise<number> {
  const { primary, standby } = await pairByHand(bench)
  const promoted: InstanceSpec = { ...standby.spec, replication: { role: 'primary', followers: [], synchronous: [] } }
  await bench.driver.configure(standby.folder, promoted)
  const start = performance.now()
  await bench.driver.kill(primary.engine)
  await bench.driver.promote(standby.folder, promoted, never)
  const { port } = promoted
  await firstCommit({
    host: '127.0.0.1',
    port,
    user: 'app',
    password: PASSWORD,
    database: 'shop',
    ssl: { rejectUnauthorized: false },
  })
  const took = performance.now() - start
  await bench.driver.kill(standby.engine)
  return took
}

/** TPC-B-like, eight clients over TLS, round by round in turns. */
async function compareCommits(holdfast: Holdfast, instance: DBInstance, bench: PostgresBench): Promise<Row[]> {
  if (!(await hasPgbench())) return [['commits with a standby', 'not measured: needs pgbench']]
  const { primary, standby } = await pairByHand(bench)
  const ours = environment(instance.Endpoint!.Port!, { password: API_PASSWORD, database: 'postgres' })
  const theirs = environment(primary.spec.port, { password: PASSWORD, database: 'shop' })
  for (const env of [ours, theirs]) await run('pgbench', ['-i', '-q', '-s', '5'], { env })
  const seen: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++)
    for (const [n, env] of [ours, theirs].entries()) seen[n]!.push(await transactions(env))
  await bench.driver.kill(primary.engine)
  await bench.driver.kill(standby.engine)
  await eventually('a standby that streams', () => whole(holdfast))
  return [
    [
      'commits, 8 clients, Multi-AZ endpoint to a synchronous standby set up by hand (**ratio**)',
      (median(seen[0]) / median(seen[1])).toFixed(2),
    ],
  ]
}

async function transactions(env: NodeJS.ProcessEnv): Promise<number> {
  const { stdout } = await run('pgbench', ['-n', '-M', 'prepared', '-j', '2', '-T', String(SECONDS), '-c', '8'], {
    env,
  })
  return Number(/tps = ([\d.]+)/.exec(stdout)![1])
}

const environment = (
  port: number,
  { password, database }: { password: string; database: string },
): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  PGHOST: '127.0.0.1',
  PGPORT: String(port),
  PGUSER: 'app',
  PGPASSWORD: password,
  PGDATABASE: database,
  PGSSLMODE: 'require',
})

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
const ms = (value: number): string => `${value.toFixed(0)} ms`

const hasPgbench = (): Promise<boolean> =>
  run('pgbench', ['--version']).then(
    () => true,
    () => false,
  )
