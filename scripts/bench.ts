/**
 * `npm run bench`: what Holdfast costs, as ratios between things measured side by side in this run. Prints a Markdown
 * table; docs/PERFORMANCE.md holds one, with the machine it was made on.
 */
import { execFile, spawn } from 'node:child_process'
import { chown, mkdir, readdir, rm } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  type RDSClient,
} from '@aws-sdk/client-rds'
import pg from 'pg'
import { engineAccount } from '../src/host/account.ts'
import {
  createInput,
  createInstance,
  describe,
  instanceGone,
  instanceIn,
  PASSWORD,
  query,
} from '../tests/support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../tests/support/holdfast.ts'
import { benchAurora } from './bench/aurora.ts'
import { benchAvailability } from './bench/availability.ts'
import { median, ms, timed, type Row } from './bench/figures.ts'
import { benchGateway } from './bench/gateway.ts'
import { benchQuorum } from './bench/quorum.ts'
import { benchReadReplicas } from './bench/read-replica.ts'
import { benchWake } from './bench/wake.ts'
import { build } from './build.ts'

const run = promisify(execFile)
const ROUNDS = 7
const rows: Row[] = []

const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`

/** Connects as soon as the server lets us in, and asks one question. */
async function firstQuery(login: pg.ClientConfig): Promise<void> {
  for (;;) {
    const client = new pg.Client(login)
    try {
      await client.connect()
      await client.query('select 1')
      await client.end()
      return
    } catch {
      await client.end().catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
}

/** The way without Holdfast: initdb, start, first query, with the very binaries that Holdfast runs. */
async function bare(binaries: string, folder: string, port: number): Promise<number> {
  const account = await engineAccount(process.env)
  const data = join(folder, `bare-${port}`)
  await mkdir(data, { mode: 0o700 })
  if (account) await chown(data, account.uid, account.gid)
  const as = account ? { uid: account.uid, gid: account.gid } : {}
  const start = performance.now()
  await run(join(binaries, 'initdb'), ['-D', data, '-U', 'app', '-A', 'trust', '-E', 'UTF8', '-k'], as)
  const server = spawn(join(binaries, 'postgres'), ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', data], {
    ...as,
    stdio: 'ignore',
  })
  await firstQuery({ host: '127.0.0.1', port, user: 'app', database: 'postgres' })
  const took = performance.now() - start
  const gone = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGQUIT')
  await gone
  await rm(data, { recursive: true, force: true })
  return took
}

async function viaHoldfast(holdfast: Holdfast, rds: RDSClient, id: string): Promise<number> {
  const start = performance.now()
  await rds.send(new CreateDBInstanceCommand(createInput(id)))
  let port: number | undefined
  for (;;) {
    port = (await describe(rds, id))?.Endpoint?.Port
    if (port !== undefined) break
    // Asking without a pause would take the processor from the engine that it waits for.
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const ca = await (await fetch(`${holdfast.url}/_holdfast/ca.pem`)).text()
  await firstQuery({
    host: 'localhost',
    port,
    user: 'app',
    password: PASSWORD,
    database: 'postgres',
    ssl: { ca, servername: 'localhost' },
  })
  const took = performance.now() - start
  await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: id, SkipFinalSnapshot: true }))
  await instanceGone(rds, id)
  return took
}

async function benchCreate(): Promise<void> {
  const holdfast = await startHoldfast()
  try {
    const rds = holdfast.rds()
    await viaHoldfast(holdfast, rds, 'warm-up')
    const [version] = await readdir(join(holdfast.state, 'engines', 'postgres'))
    const binaries = join(holdfast.state, 'engines', 'postgres', version!, 'bin')
    const [ours, theirs]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      theirs.push(await bare(binaries, holdfast.state, 5900 + round))
      ours.push(await viaHoldfast(holdfast, rds, `round-${round}`))
    }
    rows.push(['initdb, start, first query (bare)', ms(median(theirs))])
    rows.push(['CreateDBInstance to first query over TLS', ms(median(ours))])
    rows.push(['**ratio** (aim ≤ 0.6)', (median(ours) / median(theirs)).toFixed(2)])
    // No copy lies ready for any but the first of these.
    const slowest = async (all: Promise<number>[]): Promise<number> => Math.max(...(await Promise.all(all)))
    const bareBurst = await slowest(BURST.map((n) => bare(binaries, holdfast.state, 5950 + n)))
    const burst = await slowest(BURST.map((n) => viaHoldfast(holdfast, rds, `burst-${n}`)))
    rows.push([`${BURST.length} at once, bare: until the last answers`, ms(bareBurst)])
    rows.push([`${BURST.length} at once, CreateDBInstance: until the last answers`, ms(burst)])
    rows.push(['**ratio**', (burst / bareBurst).toFixed(2)])
    const plainCopy: number[] = []
    await fillWithRows(holdfast, rds)
    const [snapshot, restore] = await snapshotAndRestore(rds)
    const folder = await snapshotFolder(holdfast)
    for (let round = 0; round < 3; round++)
      plainCopy.push(await timed(() => run('cp', ['-a', folder, join(holdfast.state, `copy-${round}`)])))
    rows.push(['cp -a of a snapshot of 1 GB', ms(median(plainCopy))])
    rows.push(['CreateDBSnapshot of it, until available, while it serves', ms(snapshot)])
    rows.push(['RestoreDBInstanceFromDBSnapshot of it, until available', ms(restore)])
    rows.push(['**ratio** of restore to copy', (restore / median(plainCopy)).toFixed(2)])
  } finally {
    await discard(holdfast)
  }
}

const BURST = [0, 1, 2, 3, 4]

const GIB_OF_ROWS = `create table filler as
  select n, repeat(md5(n::text), 28) as text from generate_series(1, 1100000) as n`

async function fillWithRows(holdfast: Holdfast, rds: RDSClient): Promise<void> {
  const instance = await createInstance(rds, 'large')
  await query(holdfast, instance, GIB_OF_ROWS)
}

/** Where the copy of `large-snap` is. Beside it are copies that go into the archive, and leave when they are there. */
async function snapshotFolder(holdfast: Holdfast): Promise<string> {
  const folders = await readdir(join(holdfast.state, 'snapshots'))
  const [name, ...others] = folders.filter((folder) => folder.startsWith('snap-') && !folder.includes('.'))
  if (name === undefined || others.length > 0) throw new Error(`not one snapshot but these: ${folders.join(', ')}`)
  return join(holdfast.state, 'snapshots', name)
}

async function snapshotAndRestore(rds: RDSClient): Promise<[snapshot: number, restore: number]> {
  const snapshot = await timed(async () => {
    await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'large', DBSnapshotIdentifier: 'large-snap' }))
    await instanceIn(rds, 'large', 'available')
  })
  const restore = await timed(async () => {
    const input = { DBInstanceIdentifier: 'large-again', DBSnapshotIdentifier: 'large-snap' }
    await rds.send(new RestoreDBInstanceFromDBSnapshotCommand(input))
    await instanceIn(rds, 'large-again', 'available')
  })
  return [snapshot, restore]
}

const residentOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024

async function benchStart(): Promise<void> {
  const [starts, nodes]: [number[], number[]] = [[], []]
  let memory: [serve: number, agent: number] = [0, 0]
  for (let round = 0; round < ROUNDS; round++) {
    nodes.push(await timed(() => run(process.execPath, ['-e', '0'])))
    let holdfast: Holdfast | undefined
    starts.push(await timed(async () => (holdfast = await startHoldfast())))
    const agent = await eventually('the first agent', () => agentPid(holdfast!.url))
    await describe(holdfast!.rds(), 'nothing')
    memory = [residentOf(holdfast!.process.pid!), residentOf(agent)]
    await discard(holdfast!)
  }
  rows.push(['node -e 0', ms(median(nodes))])
  rows.push(['start to `Ready.` on an empty state folder (aim < 1 s)', ms(median(starts))])
  rows.push(['idle memory without an instance: serve (aim < 150 MB)', mb(memory[0])])
  rows.push(['the same with the agent, which leaves after an idle minute', `${mb(memory[0])} + ${mb(memory[1])}`])
}

async function agentPid(url: string): Promise<number | undefined> {
  const health = (await (await fetch(`${url}/_holdfast/health`)).json()) as {
    zones: { agent: { pid: number } | null }[]
  }
  return health.zones[0]!.agent?.pid
}

const CLIENTS = 8

/** Requests per second of serve's processor time, so that the load's own share does not count. */
async function describeRate(holdfast: Holdfast, requests: number): Promise<string> {
  const rds = holdfast.rds()
  await rds.send(new DescribeDBInstancesCommand({}))
  const cpu = (): number => {
    const fields = readFileSync(`/proc/${holdfast.process.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  }
  const before = cpu()
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      for (let n = 0; n < requests / CLIENTS; n++) await rds.send(new DescribeDBInstancesCommand({}))
    }),
  )
  return (requests / (cpu() - before)).toFixed(0)
}

async function benchScale(): Promise<void> {
  const holdfast = await startHoldfast({ engines: 'simulated' })
  try {
    const rds = holdfast.rds()
    const create = (n: number): Promise<unknown> =>
      rds.send(new CreateDBInstanceCommand(createInput(`i-${String(n).padStart(5, '0')}`)))
    await create(0)
    rows.push(['DescribeDBInstances, 1 instance, requests per second per core', await describeRate(holdfast, 1600)])
    for (let n = 1; n < 100; n++) await create(n)
    rows.push(['DescribeDBInstances, 100 instances, requests per second per core', await describeRate(holdfast, 400)])
    const before = residentOf(holdfast.process.pid!)
    const first = await timed(async () => {
      for (let n = 100; n < 200; n++) await create(n)
    })
    for (let n = 200; n < 900; n++) await create(n)
    const last = await timed(async () => {
      for (let n = 900; n < 1000; n++) await create(n)
    })
    rows.push(['simulated instances created per second, from 100 to 200', (100_000 / first).toFixed(0)])
    rows.push(['the same from 900 to 1,000', (100_000 / last).toFixed(0)])
    rows.push(['**ratio** of the cost of one more (aim ≈ 1)', (last / first).toFixed(2)])
    rows.push([
      'memory of 1,000 simulated instances, above that of 100',
      mb(residentOf(holdfast.process.pid!) - before),
    ])
    const wiped = await timed(() => fetch(`${holdfast.url}/_holdfast/reset`, { method: 'POST' }))
    rows.push(['reset of 1,000 simulated instances', ms(wiped)])
  } finally {
    await discard(holdfast)
  }
}

/**
 * `--create` measures only what depends on the disk: `TMPDIR=/some/disk npm run bench -- --create`; `--quorum` six copies;
 * `--aurora` clusters on them; `--wake` paused instances. Without any: everything.
 */
const asked = ['--create', '--quorum', '--aurora', '--wake'].filter((option) => process.argv.includes(option))
const all = asked.length === 0
const wants = (option: string): boolean => all || asked.includes(option)
// What people run, not the sources.
process.env['HOLDFAST_PROGRAM'] = await build()
if (all) await benchStart()
if (wants('--create')) await benchCreate()
if (all) await benchScale()
if (all) rows.push(...(await benchGateway()))
if (all) rows.push(...(await benchAvailability()))
if (all) rows.push(...(await benchReadReplicas()))
if (wants('--quorum')) rows.push(...(await benchQuorum()))
if (wants('--aurora')) rows.push(...(await benchAurora()))
if (wants('--wake')) rows.push(...(await benchWake()))
process.stdout.write(
  `${cpus().length} × ${cpus()[0]!.model}, ${mb(totalmem())}, Node ${process.version}, medians of ${ROUNDS} rounds\n\n`,
)
process.stdout.write('| what | measured |\n|---|---|\n')
for (const [what, value] of rows) process.stdout.write(`| ${what} | ${value} |\n`)
