/** A Multi-AZ DB cluster under faults of its writer, its readers and their agents (cluster-proof.ts). */
import { after, before, test } from 'node:test'
import type { DBInstance } from '@aws-sdk/client-rds'
import { createCluster, membersOf, wholeCluster, writerOf } from '../../support/cluster.ts'
import { discard, eventually, health, newStateFolder, startHoldfast, type Holdfast } from '../../support/holdfast.ts'
import { engineOf, treeOf, zoneOf } from '../../support/processes.ts'
import { proveCluster } from './cluster-proof.ts'
import { DB_CLUSTER_FAULTS, strike, type DbClusterFault } from './db-cluster-faults.ts'
import type { SeededRandom } from '../../support/random.ts'
import { proofAsked } from './rounds.ts'

const ID = 'proof'
const asked = proofAsked()
let serve: Holdfast

before(async () => {
  const env = { HOLDFAST_FAILOVER_PAUSE_MS: '0' }
  serve = await startHoldfast({ state: await newStateFolder(), env })
  await createCluster(serve.rds(), ID)
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

async function pidsOf({ victims, signal }: DbClusterFault, member: DBInstance): Promise<number[]> {
  const zone = zoneOf(member)
  if (victims === 'agent') return [await agentOf(zone)]
  const engine = await engineOf(serve.state, zone, member)
  return signal === 'SIGSTOP' ? treeOf(engine) : [engine]
}

test(`a DB cluster keeps its promises under faults, seed ${asked.seed}`, () =>
  proveCluster(
    {
      serve: () => serve,
      faults: DB_CLUSTER_FAULTS,
      whole: () => wholeCluster(serve.rds(), ID),
      strike: async (fault, random) => strike(fault, await pidsOf(fault, await memberIn(fault.member, random)), random),
    },
    asked,
  ))
