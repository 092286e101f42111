/** How long a new read replica takes, and how far replicas are behind while their source works. */
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateDBInstanceReadReplicaCommand, type DBInstance } from '@aws-sdk/client-rds'
import type pg from 'pg'
import { connect, createInstance, deleteInstance, describe, instanceIn, query } from '../../tests/support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../../tests/support/holdfast.ts'
import { median, ms, timed, type Row } from './figures.ts'

const run = promisify(execFile)
const ROUNDS = 3
const ROWS_OF_1_KB = 200_000
const WRITERS = 4
const PROBES = 500

const percentile = (values: number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))]!

const both = (values: number[]): string => `${ms(percentile(values, 0.5), 1)} / ${ms(percentile(values, 0.99), 1)}`

async function newReplica(holdfast: Holdfast, id: string): Promise<DBInstance> {
  const rds = holdfast.rds()
  await eventually('a source that may be copied', async () => {
    const input = { DBInstanceIdentifier: id, SourceDBInstanceIdentifier: 'source' }
    await rds.send(new CreateDBInstanceReadReplicaCommand(input))
    return true
  })
  const replica = await instanceIn(rds, id, 'available')
  await query(holdfast, replica, 'select 1 from filler limit 1')
  return replica
}

async function creation(holdfast: Holdfast, source: DBInstance): Promise<Row[]> {
  const data = join(holdfast.state, 'hosts', 'a', 'instances', source.DbiResourceId!, 'data')
  const [made, copied]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    await query(holdfast, source, 'checkpoint')
    copied.push(await timed(() => run('cp', ['-a', data, `${holdfast.state}/by-hand`])))
    await rm(`${holdfast.state}/by-hand`, { recursive: true })
    made.push(await timed(() => newReplica(holdfast, `round-${round}`)))
    await deleteInstance(holdfast.rds(), `round-${round}`)
  }
  const size = (
    await query<{ size: string }>(holdfast, source, `select pg_size_pretty(pg_database_size('postgres')) size`)
  )[0]!.size
  return [
    [`\`cp -a\` of a source of ${size}`, ms(median(copied), 1)],
    ['`CreateDBInstanceReadReplica` of it, until the first query', ms(median(made), 1)],
    ['**ratio**', (median(made) / median(copied)).toFixed(2)],
  ]
}

/** Writes until told to stop; resolves with the number of commits. */
async function work(client: pg.Client, signal: AbortSignal): Promise<number> {
  let commits = 0
  while (!signal.aborted) {
    await client.query(`insert into load (x) select repeat('x', 200) from generate_series(1, 10)`)
    commits++
  }
  return commits
}

/** From the acknowledgement of a commit at the source until the replica shows it; the question itself included. */
async function visible(writer: pg.Client, reader: pg.Client, n: number): Promise<number> {
  await writer.query('insert into probe values ($1)', [n])
  const start = performance.now()
  while ((await reader.query('select 1 from probe where n = $1', [n])).rowCount === 0);
  return performance.now() - start
}

async function lag(holdfast: Holdfast, source: DBInstance): Promise<Row[]> {
  await query(holdfast, source, 'create table load (id bigserial primary key, x text)')
  await query(holdfast, source, 'create table probe (n int primary key)')
  const replica = await newReplica(holdfast, 'reader')
  const [writer, reader] = [await connect(holdfast, source), await connect(holdfast, replica)]
  const idle: number[] = []
  for (let n = 0; n < PROBES; n++) idle.push(await visible(writer, reader, n))
  const stop = new AbortController()
  const clients = await Promise.all(Array.from({ length: WRITERS }, () => connect(holdfast, source)))
  const started = performance.now()
  const load = Promise.all(clients.map((client) => work(client, stop.signal)))
  const busy: number[] = []
  for (let n = 0; n < PROBES; n++) busy.push(await visible(writer, reader, PROBES + n))
  stop.abort()
  const commits = (await load).reduce((sum, one) => sum + one, 0)
  const seconds = (performance.now() - started) / 1_000
  const asked: number[] = []
  for (let n = 0; n < PROBES; n++) asked.push(await timed(() => reader.query('select 1 from probe where n = -1')))
  for (const client of [writer, reader, ...clients]) await client.end()
  const rate = (commits / seconds).toFixed(0)
  return [
    ['a question to a replica, p50 / p99 (part of the figures below)', both(asked)],
    ['commit at the source until a replica shows it, idle, p50 / p99', both(idle)],
    [`the same under ${rate} commits a second of ${WRITERS} clients, p50 / p99 (aim < 10 ms)`, both(busy)],
  ]
}

export async function benchReadReplicas(): Promise<Row[]> {
  const holdfast = await startHoldfast()
  try {
    const source = await createInstance(holdfast.rds(), 'source', {
      BackupRetentionPeriod: 1,
      DBInstanceClass: 'db.m6g.large',
    })
    await query(
      holdfast,
      source,
      `create table filler as select n, repeat('x', 960) x from generate_series(1, ${ROWS_OF_1_KB}) n`,
    )
    return [
      ...(await creation(holdfast, (await describe(holdfast.rds(), 'source'))!)),
      ...(await lag(holdfast, source)),
    ]
  } finally {
    await discard(holdfast)
  }
}
