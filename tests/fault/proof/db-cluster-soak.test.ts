/**
 * A Multi-AZ DB cluster under faults of its writer, its readers and their agents: nothing that was acknowledged is lost, one
 * engine takes writes, the addresses stay, and both readers are there again without a person. Lists are also read through the reader endpoint,
 * which may be behind, and may show two independent writes in an order of its own (a long fork), and nothing else.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { DBCluster, DBInstance } from '@aws-sdk/client-rds'
import { systemClock } from '#host/clock.ts'
import {
  createCluster,
  membersOf,
  readerEndpoint,
  wholeCluster,
  writerEndpoint,
  writerOf,
} from '../../support/cluster.ts'
import { PASSWORD, query } from '../../support/database.ts'
import { discard, eventually, health, newStateFolder, startHoldfast, type Holdfast } from '../../support/holdfast.ts'
import { engineOf, treeOf, zoneOf } from '../../support/processes.ts'
import { watchWriters } from './claims.ts'
import { DB_CLUSTER_FAULTS, strike, type DbClusterFault } from './db-cluster-faults.ts'
import { SeededRandom } from '../../support/random.ts'
import { proofAsked, shuffled } from './rounds.ts'
import { Session, type Endpoint } from './session.ts'
import { startTraffic, type Traffic } from './traffic.ts'
import { bank } from './workloads/bank.ts'
import { insertSet } from './workloads/insert-set.ts'
import { listAppend } from './workloads/list-append.ts'

const ID = 'proof'
const asked = proofAsked()
let serve: Holdfast
let cluster: DBCluster

before(async () => {
  const env = { HOLDFAST_FAILOVER_PAUSE_MS: '0' }
  serve = await startHoldfast({ state: await newStateFolder(), env })
  cluster = await createCluster(serve.rds(), ID)
})
after(() => discard(serve))

const agentOf = (zone: string): Promise<number> =>
  eventually(
    `an agent in zone ${zone}`,
    async () => (await health(serve)).zones.find((one) => one.zone === zone)?.agent?.pid,
  )

async function memberIn(role: DbClusterFault['member'], random: SeededRandom): Promise<DBInstance> {
  const now = await wholeCluster(serve.rds(), ID)
  const members = await membersOf(serve.rds(), now)
  return random.pick(
    members.filter(({ DBInstanceIdentifier }) => (DBInstanceIdentifier === writerOf(now)) === (role === 'writer')),
  )
}

async function bear(fault: DbClusterFault, random: SeededRandom, traffic: Traffic): Promise<void> {
  await progress(`traffic before: ${fault.name}`, traffic)
  const member = await memberIn(fault.member, random)
  const zone = zoneOf(member)
  const pids =
    fault.victims === 'agent'
      ? [await agentOf(zone)]
      : fault.signal === 'SIGSTOP'
        ? await treeOf(await engineOf(serve.state, zone, member))
        : [await engineOf(serve.state, zone, member)]
  const borneMs = await strike(fault, pids, random)
  await progress(`traffic after: ${fault.name}`, traffic)
  await wholeCluster(serve.rds(), ID)
  console.log(`  ${fault.name}: borne ${borneMs} ms`)
}

/** Every workload gets something done, from now on. */
function progress(what: string, traffic: Traffic): Promise<true> {
  const before = traffic.acknowledged()
  return eventually(what, () =>
    traffic.acknowledged().every((count, n) => count >= before[n]! + 5) ? true : undefined,
  )
}

async function endpointOf(address: ReturnType<typeof writerEndpoint>): Promise<Endpoint> {
  const ca = await (await fetch(`${serve.url}/_holdfast/ca.pem`)).text()
  const { Address, Port } = address.Endpoint!
  return { host: Address!, port: Port!, ca, user: 'app', password: PASSWORD, database: 'postgres' }
}

function drawn(random: SeededRandom): readonly DbClusterFault[] {
  if (asked.minutes > 0) return Array.from({ length: DB_CLUSTER_FAULTS.length }, () => random.pick(DB_CLUSTER_FAULTS))
  return shuffled(
    DB_CLUSTER_FAULTS.filter(({ isEssential }) => isEssential),
    random,
  )
}

/** What each member says of itself when nothing happens any more. */
async function writersNow(now: DBCluster): Promise<number> {
  const members = await membersOf(serve.rds(), now)
  const roles = await Promise.all(
    members.map((member) =>
      // A reader that streams may still be on its way to let clients in.
      eventually(`an answer of ${member.DBInstanceIdentifier}`, () =>
        query<{ writes: boolean }>(serve, member, 'select not pg_is_in_recovery() as writes').catch(() => undefined),
      ),
    ),
  )
  return roles.filter(([role]) => role!.writes).length
}

test(`a DB cluster keeps its promises under faults, seed ${asked.seed}`, async () => {
  const random = new SeededRandom(asked.seed)
  const until = systemClock.monotonic() + asked.minutes * 60_000
  const endpoint = await endpointOf(writerEndpoint(cluster))
  const readers = await endpointOf(readerEndpoint(cluster))
  for (let round = 1; round === 1 || systemClock.monotonic() < until; round++) {
    const workloads = [
      ...(round === 1 ? [insertSet(), bank()] : []),
      listAppend({ isolation: 'REPEATABLE READ', model: 'reader-endpoint', table: `lists_${round}`, readers }),
    ]
    const traffic = await startTraffic({ workloads, endpoint, clientsEach: 4, random: random.fork() })
    const claims = await watchWriters(serve.state, endpoint)
    try {
      for (const fault of drawn(random)) await bear(fault, random, traffic)
    } finally {
      await Promise.all([traffic.stop(), claims.stop()])
    }
    const session = new Session(endpoint)
    assert.deepEqual(await claims.judge(session), [], `seed ${asked.seed}, round ${round}`)
    console.log(`  one writer: ${claims.summary()}`)
    for (const workload of workloads) {
      assert.deepEqual(await workload.judge(session), [], `seed ${asked.seed}, round ${round}, ${workload.name}`)
      console.log(`  ${workload.name}: ${workload.summary()}`)
    }
    await session.close()
    const now = await wholeCluster(serve.rds(), ID)
    assert.equal(await writersNow(now), 1)
    const addresses = ({ Endpoint, Port, ReaderEndpoint }: DBCluster): unknown[] => [Endpoint, Port, ReaderEndpoint]
    assert.deepEqual(addresses(now), addresses(cluster))
  }
})
