/**
 * What a cluster of a writer and readers is put through: nothing that was acknowledged is lost, one engine takes writes, the
 * addresses stay, and all is whole again without a person. Lists are also read through the reader endpoint, which may be
 * behind, and may show two independent writes in an order of its own (a long fork), and nothing else.
 */
import assert from 'node:assert/strict'
import type { DBCluster } from '@aws-sdk/client-rds'
import { systemClock } from '#host/clock.ts'
import { membersOf, readerEndpoint, writerEndpoint } from '../../support/cluster.ts'
import { PASSWORD, query } from '../../support/database.ts'
import { eventually, type Holdfast } from '../../support/holdfast.ts'
import { SeededRandom } from '../../support/random.ts'
import { watchWriters } from './claims.ts'
import { shuffled, type Proof } from './rounds.ts'
import { Session, type Endpoint } from './session.ts'
import { startTraffic, type Traffic } from './traffic.ts'
import { bank } from './workloads/bank.ts'
import { insertSet } from './workloads/insert-set.ts'
import { listAppend } from './workloads/list-append.ts'

export interface ClusterFault {
  readonly name: string
  readonly isEssential?: true
}

export interface ClusterUnderTest<F extends ClusterFault> {
  /** That has the cluster now. */
  serve(): Holdfast
  readonly faults: readonly F[]
  /** Once it is available with everything that it has. */
  whole(): Promise<DBCluster>
  /** Has the fault happen, and mends it. Gives how long it was borne, in milliseconds. */
  strike(fault: F, random: SeededRandom): Promise<number>
}

export async function proveCluster<F extends ClusterFault>(it: ClusterUnderTest<F>, asked: Proof): Promise<void> {
  const random = new SeededRandom(asked.seed)
  const until = systemClock.monotonic() + asked.minutes * 60_000
  const before = await it.whole()
  const endpoint = await endpointOf(it.serve(), writerEndpoint(before))
  const readers = await endpointOf(it.serve(), readerEndpoint(before))
  for (let round = 1; round === 1 || systemClock.monotonic() < until; round++) {
    const workloads = [
      ...(round === 1 ? [insertSet(), bank()] : []),
      listAppend({ isolation: 'REPEATABLE READ', model: 'reader-endpoint', table: `lists_${round}`, readers }),
    ]
    const traffic = await startTraffic({ workloads, endpoint, clientsEach: 4, random: random.fork() })
    const claims = await watchWriters(it.serve().state, endpoint)
    try {
      for (const fault of drawn(it.faults, asked, random)) await bear(it, fault, { random, traffic })
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
    const now = await it.whole()
    assert.equal(await writersNow(it.serve(), now), 1)
    const addresses = ({ Endpoint, Port, ReaderEndpoint }: DBCluster): unknown[] => [Endpoint, Port, ReaderEndpoint]
    assert.deepEqual(addresses(now), addresses(before))
  }
}

async function bear<F extends ClusterFault>(
  it: ClusterUnderTest<F>,
  fault: F,
  { random, traffic }: { readonly random: SeededRandom; readonly traffic: Traffic },
): Promise<void> {
  await progress(`traffic before: ${fault.name}`, traffic)
  const borneMs = await it.strike(fault, random)
  await progress(`traffic after: ${fault.name}`, traffic)
  await it.whole()
  console.log(`  ${fault.name}: borne ${borneMs} ms`)
}

/** Every workload gets something done, from now on. */
function progress(what: string, traffic: Traffic): Promise<true> {
  const before = traffic.acknowledged()
  return eventually(what, () =>
    traffic.acknowledged().every((count, n) => count >= before[n]! + 5) ? true : undefined,
  )
}

async function endpointOf(serve: Holdfast, address: ReturnType<typeof writerEndpoint>): Promise<Endpoint> {
  const ca = await (await fetch(`${serve.url}/_holdfast/ca.pem`)).text()
  const { Address, Port } = address.Endpoint!
  return { host: Address!, port: Port!, ca, user: 'app', password: PASSWORD, database: 'postgres' }
}

function drawn<F extends ClusterFault>(faults: readonly F[], { minutes }: Proof, random: SeededRandom): readonly F[] {
  if (minutes > 0) return Array.from({ length: faults.length }, () => random.pick(faults))
  return shuffled(
    faults.filter(({ isEssential }) => isEssential),
    random,
  )
}

/** What each member says of itself when nothing happens any more. */
async function writersNow(serve: Holdfast, now: DBCluster): Promise<number> {
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
