/** What a second copy is worth and what it costs: failovers beside a promotion by hand, commits beside a standby set up by hand. */
import { CreateDBInstanceCommand, type DBInstance } from '@aws-sdk/client-rds'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { createInput, instanceIn, PASSWORD as API_PASSWORD, query } from '../../tests/support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../../tests/support/holdfast.ts'
import {
  never,
  openPostgresBench,
  PASSWORD,
  type PostgresBench,
  type TestInstance,
} from '../../tests/support/postgres-bench.ts'
import { follow, primaryOf, reconfigure } from '../../tests/support/replication.ts'
import { median, ms, type Row } from './figures.ts'
import { firstCommit, killedToCommit, loginAt } from './first-commit.ts'
import { fillTables, hasPgbench, transactions } from './pgbench.ts'
import { engineOf, zoneOf } from '../../tests/support/processes.ts'

const FAILOVERS = 20
const PROMOTIONS = 7
const ROUNDS = 5

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
  const primary = await engineOf(holdfast.state, zoneOf(instance), instance)
  return killedToCommit(primary, loginAt(instance.Endpoint!.Port!, API_PASSWORD, 'postgres'))
}

interface Pair {
  readonly primary: TestInstance
  readonly standby: TestInstance
}

/** A primary that waits for its standby, set up with the engine's own means alone. */
async function pairByHand(bench: PostgresBench): Promise<Pair> {
  const primary = await bench.create({ settings: { shared_buffers: '16384' } })
  await bench.sql(primary.spec, 'create table written (n serial primary key)')
  const standby = await follow(bench, primary)
  const awaited = await reconfigure(bench, primary, primaryOf(['b'], ['b']))
  await bench.driver.awaitSynchronous(primary.folder, awaited, never)
  return { primary, standby }
}

async function promotionByHand(bench: PostgresBench): Promise<number> {
  const { primary, standby } = await pairByHand(bench)
  const promoted: InstanceSpec = { ...standby.spec, replication: primaryOf([], []) }
  await bench.driver.configure(standby.folder, promoted)
  const start = performance.now()
  await bench.driver.kill(primary.engine)
  await bench.driver.promote(standby.folder, promoted, never)
  await firstCommit(loginAt(promoted.port, PASSWORD, 'shop'))
  const took = performance.now() - start
  await bench.driver.kill(standby.engine)
  return took
}

/** TPC-B-like, eight clients over TLS, round by round in turns. */
async function compareCommits(holdfast: Holdfast, instance: DBInstance, bench: PostgresBench): Promise<Row[]> {
  if (!(await hasPgbench())) return [['commits with a standby', 'not measured: needs pgbench']]
  const { primary, standby } = await pairByHand(bench)
  const ours = { port: instance.Endpoint!.Port!, password: API_PASSWORD, database: 'postgres' }
  const theirs = { port: primary.spec.port, password: PASSWORD, database: 'shop' }
  for (const at of [ours, theirs]) await fillTables(at)
  const seen: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++)
    for (const [n, at] of [ours, theirs].entries()) seen[n]!.push(await transactions(at, '-c', '8'))
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
