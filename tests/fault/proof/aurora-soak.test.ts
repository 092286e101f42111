/** An Aurora cluster under faults of instances, of whole hosts, and of serve (cluster-proof.ts). */
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { DBCluster, DBInstance } from '@aws-sdk/client-rds'
import { systemClock } from '#host/clock.ts'
import { addInstance, createAurora, PREVIEW, wholeAurora } from '../../support/aurora.ts'
import { clusterIn, membersOf, writerOf } from '../../support/cluster.ts'
import { discard, health, newStateFolder, processesOf, startHoldfast, type Holdfast } from '../../support/holdfast.ts'
import { engineOf, treeOf, zoneOf } from '../../support/processes.ts'
import { AURORA_FAULTS, type AuroraFault } from './aurora-faults.ts'
import { proveCluster } from './cluster-proof.ts'
import { signal } from './faults.ts'
import { proofAsked } from './rounds.ts'

const ID = 'proof'
const INSTANCES = 3
const asked = proofAsked()
let serve: Holdfast

before(async () => {
  serve = await startHoldfast({ state: await newStateFolder(), env: PREVIEW })
  await createAurora(serve.rds(), ID)
  for (let n = 1; n <= INSTANCES; n++) await addInstance(serve.rds(), ID, `${ID}-${n}`)
})
after(() => discard(serve))

/** With all of its instances. */
const whole = (also: (cluster: DBCluster) => boolean = () => true): Promise<DBCluster> =>
  wholeAurora(serve.rds(), ID, (cluster) => cluster.DBClusterMembers?.length === INSTANCES && also(cluster))

async function pidsOf({ victims }: AuroraFault, member: DBInstance): Promise<number[]> {
  const zone = zoneOf(member)
  const agent = (await health(serve)).zones.find((one) => one.zone === zone)!.agent!.pid
  const engine = await treeOf(await engineOf(serve.state, zone, member))
  const beside = await processesOf(join(serve.state, 'hosts', zone))
  const heads = beside.filter(({ command }) => command.includes(' head ')).map(({ pid }) => pid)
  const logNode = (await processesOf(serve.state))
    .filter(({ command }) => command.includes(' lognode ') && command.endsWith(`--az ${zone}`))
    .map(({ pid }) => pid)
  const all = { agent: [agent], engine, head: heads, 'log node': logNode }
  return victims === 'host' ? [agent, ...engine, ...heads, ...logNode] : victims === 'none' ? [] : all[victims]
}

async function strike(fault: AuroraFault): Promise<number> {
  const before = await whole()
  const members = await membersOf(serve.rds(), before)
  const isWriter = ({ DBInstanceIdentifier }: DBInstance): boolean => DBInstanceIdentifier === writerOf(before)
  const member = members.find((one) => isWriter(one) === (fault.member === 'writer'))!
  const pids = await pidsOf(fault, member)
  const since = systemClock.monotonic()
  if (fault.withServe) await serve.kill()
  signal(pids, fault.signal)
  try {
    if (fault.withServe) serve = await startHoldfast({ state: serve.state, env: PREVIEW })
    if (fault.fails) await clusterIn(serve.rds(), ID, (now) => writerOf(now) !== writerOf(before))
  } finally {
    if (fault.signal === 'SIGSTOP') signal(pids, 'SIGCONT')
  }
  return Math.round(systemClock.monotonic() - since)
}

test(`an Aurora cluster keeps its promises under faults, seed ${asked.seed}`, () =>
  proveCluster({ serve: () => serve, faults: AURORA_FAULTS, whole, strike }, asked))
