/** How long after its acknowledgement a commit is seen by who reads elsewhere. */
import type pg from 'pg'
import type { Address } from '../../tests/support/cluster.ts'
import { connect, query } from '../../tests/support/database.ts'
import type { Holdfast } from '../../tests/support/holdfast.ts'
import { ms, timed, type Row } from './figures.ts'

const WRITERS = 4
const PROBES = 500

const percentile = (values: number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))]!

const both = (values: number[]): string => `${ms(percentile(values, 0.5), 1)} / ${ms(percentile(values, 0.99), 1)}`

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

/** `replicaOf` gives the replica, once the tables are there that it is asked about. */
export async function benchLag(holdfast: Holdfast, source: Address, replicaOf: () => Promise<Address>): Promise<Row[]> {
  await query(holdfast, source, 'create table load (id bigserial primary key, x text)')
  await query(holdfast, source, 'create table probe (n int primary key)')
  const replica = await replicaOf()
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
