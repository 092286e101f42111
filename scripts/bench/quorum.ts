/** What six copies cost: commits on a volume beside those with one standby, and with six `pg_receivewal`, of one writer. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '#host/clock.ts'
import type { PeerCertificate } from '#host/mutual-tls.ts'
import { headName, logNodeName } from '#wire/quorum/identity.ts'
import { engineAccount } from '../../src/host/account.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { TestAuthority } from '../../tests/support/log-nodes.ts'
import { median, type Row } from './figures.ts'
import type { HeadSpec, NodeSpec } from './quorum-process.ts'
import { USER, Writer } from './quorum-writer.ts'

/** Of which Debian has everything that is needed: pg_receivewal and pgbench included. */
const BIN = '/usr/lib/postgresql/15/bin'
const ROUNDS = 3
const SECONDS = 4
const WARM_UP_SECONDS = 1
/** For files that a follower which has caught up still prepares. Milliseconds. */
const REST_MS = 2_000
const CLIENTS = [1, 8, 32]
const ZONES = ['a', 'b', 'c']
/** Log that a follower may lack when it is its turn. Bytes. */
const LAG_BYTES_MAX = 100_000
const PROCESS = fileURLToPath(new URL('quorum-process.ts', import.meta.url))

interface Way {
  /** What `synchronous_standby_names` is. */
  readonly waits: string
  /** Condition on the followers that it means. */
  readonly followers: string
  readonly processes: readonly ChildProcess[]
}

/** One of them works at a time; the others are stopped, and catch up before it is their turn. */
export async function benchQuorum(): Promise<Row[]> {
  if (!existsSync(join(BIN, 'pg_receivewal'))) return [['six copies', `not measured: needs ${BIN}`]]
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-quorum-'))
  await chmod(folder, 0o711)
  const authority = await TestAuthority.open()
  const processes: ChildProcess[] = []
  let writer: Writer | undefined
  try {
    writer = await Writer.open(BIN, join(folder, 'pg'), await engineAccount(process.env))
    const ways = [
      await oneStandby(writer),
      await volume(writer, { folder, authority, processes }),
      await sixReceivers(writer, folder),
    ]
    return await compare(writer, ways)
  } finally {
    for (const child of processes) child.kill('SIGKILL')
    await writer?.close()
    await authority.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function oneStandby(writer: Writer): Promise<Way> {
  const standby = await writer.standby('standby')
  return { waits: 'standby', followers: `application_name = 'standby'`, processes: [standby] }
}

async function sixReceivers(writer: Writer, folder: string): Promise<Way> {
  const names = [1, 2, 3, 4, 5, 6].map((n) => `receiver${n}`)
  const processes: ChildProcess[] = []
  for (const name of names) {
    const target = join(folder, 'pg', name)
    const source = `host=${join(folder, 'pg')} user=${USER} application_name=${name}`
    await writer.makeFolder(target)
    processes.push(writer.start('pg_receivewal', '-D', target, '--synchronous', '--no-loop', '-d', source))
  }
  return { waits: `ANY 4 (${names.join(', ')})`, followers: `application_name LIKE 'receiver%'`, processes }
}

interface At {
  readonly folder: string
  readonly authority: TestAuthority
  /** What is started is put here, so that it ends. */
  readonly processes: ChildProcess[]
}

async function volume(writer: Writer, { folder, authority, processes }: At): Promise<Way> {
  const started = async (role: string, name: string, spec: NodeSpec | HeadSpec): Promise<{ port?: number }> => {
    const path = join(folder, `${name}.json`)
    await writeFile(path, JSON.stringify(spec))
    const child = spawn(process.execPath, [PROCESS, role, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    processes.push(child)
    return new Promise((resolve) =>
      child.stdout.once('data', (said: Buffer) => resolve(JSON.parse(said.toString()) as { port?: number })),
    )
  }
  const certificate = (name: string): Promise<PeerCertificate> => authority.issue(name)
  const places: HeadSpec['places'][number][] = []
  for (const zone of ZONES) {
    const members = [`${zone}1`, `${zone}2`]
    const own = join(folder, `log-${zone}`)
    await mkdir(own)
    const { epochStart } = writer
    const spec = { folder: own, certificate: await certificate(logNodeName(zone)), members, epochStart }
    const { port } = await started('node', zone, spec)
    for (const member of members) places.push([member, { node: zone, host: '127.0.0.1', port: port! }])
  }
  // In the order in which a volume has them: commits wait for the first four.
  places.sort(([a], [b]) => a.localeCompare(b))
  const { socketPath } = writer
  const head = { certificate: await certificate(headName('bench')), places, socketPath, user: USER, name: 'head' }
  await started('head', 'head', head)
  return { waits: 'head', followers: `application_name = 'head'`, processes: [...processes] }
}

async function compare(writer: Writer, ways: readonly Way[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const way of ways) freeze(way, 'SIGSTOP')
  for (const clients of CLIENTS) {
    const seen: number[][] = ways.map(() => [])
    for (let round = 0; round < ROUNDS; round++)
      for (const [n, way] of ways.entries()) seen[n]!.push(await measure(writer, way, clients))
    const [standby, volumes, receivers] = seen.map(median)
    rows.push([
      `TPC-B-like pgbench on six copies, ${clients} clients, to one standby by hand (aim ≥ 0.9), to six \`pg_receivewal\` (aim ≥ 1.2): **ratios**`,
      `${(volumes! / standby!).toFixed(2)}, ${(volumes! / receivers!).toFixed(2)}`,
    ])
  }
  return rows
}

/** Transactions in a second. */
async function measure(writer: Writer, way: Way, clients: number): Promise<number> {
  freeze(way, 'SIGCONT')
  try {
    const lag = `SELECT max(pg_current_wal_flush_lsn() - flush_lsn) FROM pg_stat_replication WHERE ${way.followers}`
    await eventually('the followers have caught up', async () => {
      const bytes = await writer.sql(lag)
      return bytes !== '' && Number(bytes) < LAG_BYTES_MAX ? true : undefined
    })
    await waitFor(writer, way.waits)
    const threads = `${Math.min(2, clients)}`
    const load = (seconds: number): Promise<string> =>
      writer.tool(
        'pgbench',
        ...['-n', '-M', 'prepared', '-j', threads, '-c', `${clients}`, '-T', `${seconds}`, 'postgres'],
      )
    await systemClock.sleep(REST_MS)
    await load(WARM_UP_SECONDS)
    return Number(/tps = ([\d.]+)/.exec(await load(SECONDS))![1])
  } finally {
    await waitFor(writer, '')
    freeze(way, 'SIGSTOP')
  }
}

async function waitFor(writer: Writer, names: string): Promise<void> {
  await writer.sql(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`)
  await writer.sql('SELECT pg_reload_conf()')
  await eventually('that it is in force', async () =>
    (await writer.sql('SHOW synchronous_standby_names')) === names ? true : undefined,
  )
}

function freeze(way: Way, signal: NodeJS.Signals): void {
  for (const { pid } of way.processes) for (const one of family(pid!)) process.kill(one, signal)
}

/** A process and what it has started, of Linux. */
function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  return [pid, ...children.flatMap((child) => family(Number(child)))]
}
