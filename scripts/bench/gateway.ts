/** What an endpoint's gateway costs: the same load on one engine, reached directly and through a real endpoint process. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryLog } from '#base/memory-log.ts'
import type { Route } from '#wire/endpoint/messages.ts'
import { CANCELLED_FOLDER, GATE } from '#wire/postgres/assurance.ts'
import { openHostEndpoints } from '../../src/role/host-endpoints.ts'
import { freePort } from '../../tests/support/free-port.ts'
import { GATE_PASSWORD, openPostgresBench, PASSWORD } from '../../tests/support/postgres-bench.ts'
import { median, type Row } from './figures.ts'
import { environment, fillTables, hasPgbench, SECONDS, transactions, type Database } from './pgbench.ts'

const ROUNDS = 5
const BULK = "copy (select repeat('x', 1000) from generate_series(1, 200000)) to stdout"

type Way = 'direct' | 'splice' | 'guarded'
const WAYS: readonly Way[] = ['direct', 'splice', 'guarded']

interface Load {
  readonly what: string
  /** The more the better. */
  readonly measure: (port: number) => Promise<number>
}

const LOADS: readonly Load[] = [
  { what: 'read-only pgbench, 1 client', measure: (port) => transactions(databaseAt(port), '-S', '-c', '1') },
  { what: 'read-only pgbench, 8 clients', measure: (port) => transactions(databaseAt(port), '-S', '-c', '8') },
  {
    what: 'TPC-B-like pgbench, 8 clients, durable commits',
    measure: (port) => transactions(databaseAt(port), '-c', '8'),
  },
  { what: '200 MB of rows to one client', measure: async (port) => 1 / (await secondsOf(() => bulk(port))) },
]

export async function benchGateway(): Promise<Row[]> {
  if (!(await hasPgbench()))
    return [['gateway', 'not measured: needs pgbench (Debian: apt-get install postgresql-contrib)']]
  const bench = await openPostgresBench()
  const state = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const endpoints = await openHostEndpoints({ state, log: memoryLog(), env: process.env })
  try {
    const { spec } = await bench.create({ requireTls: false, settings: { shared_buffers: '16384' } })
    const terms = {
      listenAddress: '127.0.0.1',
      targets: [{ host: '127.0.0.1', port: spec.port, name: 'engine', instance: 'bench' }],
      state: 'open',
      allowedSources: ['127.0.0.0/8'],
      holdMs: 60_000,
    } as const
    const splice: Route = { ...terms, id: 'splice', mode: 'splice', port: await freePort() }
    // As in service: there is a folder to look into, whenever the engine says that something is done.
    await mkdir(join(state, 'hosts', 'engine', 'instances', 'bench', CANCELLED_FOLDER), { recursive: true })
    const asking = { user: GATE, password: GATE_PASSWORD }
    const guarded: Route = { ...terms, id: 'guarded', mode: 'guarded', tls: spec.tls, asking, port: await freePort() }
    await endpoints.apply(splice)
    await endpoints.apply(guarded)
    const ports = { direct: spec.port, splice: splice.port, guarded: guarded.port }
    await fillTables(databaseAt(spec.port))
    const rows: Row[] = []
    for (const load of LOADS) rows.push(await compare(load, ports))
    const spent = async (port: number): Promise<string> =>
      (await microsecondsOf(endpoints.status().pid!, port)).toFixed(0)
    rows.push([
      "gateway's processor time for one read-only transaction: splice, guarded",
      `${await spent(ports.splice)} µs, ${await spent(ports.guarded)} µs`,
    ])
    return rows
  } finally {
    await endpoints.shutDown()
    endpoints.close()
    await bench.close()
    await rm(state, { recursive: true, force: true })
  }
}

/** Round by round, so that what else the machine does falls on all ways alike. */
async function compare({ what, measure }: Load, ports: Readonly<Record<Way, number>>): Promise<Row> {
  const seen: Record<Way, number[]> = { direct: [], splice: [], guarded: [] }
  for (let round = 0; round < ROUNDS; round++) for (const way of WAYS) seen[way].push(await measure(ports[way]))
  const direct = median(seen.direct)
  const ratio = (way: Way): string => (median(seen[way]) / direct).toFixed(2)
  return [
    `gateway to direct over TLS, ${what}: splice, guarded (**ratios**)`,
    `${ratio('splice')}, ${ratio('guarded')}`,
  ]
}

/** Processor time of a process for each transaction of a load; a clock tick is 10 ms. */
async function microsecondsOf(pid: number, port: number): Promise<number> {
  const ticks = (): number => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const before = ticks()
  const perSecond = await transactions(databaseAt(port), '-S', '-c', '8')
  return ((ticks() - before) * 10_000) / (perSecond * SECONDS)
}

async function bulk(port: number): Promise<void> {
  const child = spawn('psql', ['-Xqc', BULK], {
    env: environment(databaseAt(port)),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`psql ended with ${String(code)}`)
}

const databaseAt = (port: number): Database => ({ port, password: PASSWORD, database: 'shop' })

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}
