/** Runs traffic against an instance while faults come one after the other, and says what was wrong in the end. */
import { systemClock } from '#host/clock.ts'
import { eventually, health } from '../../support/holdfast.ts'
import { watchWriters } from './claims.ts'
import type { Deployment } from './deployment.ts'
import type { Fault } from './faults.ts'
import type { SeededRandom } from '../../support/random.ts'
import { Session } from './session.ts'
import { startTraffic, type Traffic } from './traffic.ts'
import type { Workload } from './workloads/workload.ts'

export interface Round {
  readonly world: Deployment
  readonly workloads: readonly Workload[]
  /** In the order in which they come. */
  readonly faults: readonly Fault[]
  readonly random: SeededRandom
  /** Of this round alone; it is made. */
  readonly database: string
  readonly log: (line: string) => void
}

/** How long a fault is borne that does not say so itself. */
const BORNE_MS_MAX = 1_500

/** What each workload must have acknowledged before the next fault comes. */
const PROGRESS = 5

const CLIENTS_EACH = 3

/** What was wrong, for a person. Empty: every promise was kept. */
export async function runRound(round: Round): Promise<string[]> {
  const { world, workloads, database } = round
  const maker = new Session(world.endpoint('postgres'))
  await eventually(`database ${database}`, async () => {
    const made = await maker.statement(`CREATE DATABASE ${database}`, [])
    return made?.outcome === 'ok' ? true : undefined
  })
  await maker.close()
  const endpoint = world.endpoint(database)
  const traffic = await startTraffic({ workloads, endpoint, clientsEach: CLIENTS_EACH, random: round.random.fork() })
  const claims = await watchWriters(world.state, endpoint)
  try {
    for (const fault of round.faults) await bear(fault, round, traffic)
  } finally {
    await Promise.all([traffic.stop(), claims.stop()])
  }
  const session = new Session(endpoint)
  const complaints: string[] = []
  for (const workload of workloads) {
    complaints.push(...(await workload.judge(session)))
    round.log(`  ${workload.name}: ${workload.summary()}`)
  }
  complaints.push(...(await claims.judge(session)))
  round.log(`  one writer: ${claims.summary()}`)
  await session.close()
  return [...complaints, ...(await atRest(world))]
}

async function bear(fault: Fault, { world, random, log }: Round, traffic: Traffic): Promise<void> {
  await progress(`traffic before: ${fault.name}`, traffic)
  const before = await world.events()
  const borneMs = random.between(0, fault.borneMsMax ?? BORNE_MS_MAX)
  const startedAt = systemClock.monotonic()
  const mend = await fault.inject(world, random)
  try {
    await systemClock.sleep(borneMs)
  } finally {
    await mend?.()
  }
  await progress(`traffic after: ${fault.name}`, traffic)
  await world.whole()
  for (const start of fault.events)
    await eventually(`event '${start}' after: ${fault.name}`, async () =>
      countOf(start, await world.events()) > countOf(start, before) ? true : undefined,
    )
  for (const start of fault.never ?? [])
    if (countOf(start, await world.events()) > countOf(start, before))
      throw new Error(`'${start}' after: ${fault.name}`)
  log(`  ${fault.name}: borne ${borneMs} ms, over after ${Math.round(systemClock.monotonic() - startedAt)} ms`)
}

const countOf = (start: string, messages: readonly string[]): number =>
  messages.filter((message) => message.startsWith(start)).length

/** Every workload gets something done, from now on. */
function progress(what: string, traffic: Traffic): Promise<true> {
  const before = traffic.acknowledged()
  return eventually(what, () =>
    traffic.acknowledged().every((count, n) => count >= before[n]! + PROGRESS) ? true : undefined,
  )
}

/** What must be so when nothing happens any more. */
async function atRest(world: Deployment): Promise<string[]> {
  const complaints: string[] = []
  const instance = await world.whole()
  if (JSON.stringify(instance.Endpoint) !== JSON.stringify(world.instance.Endpoint))
    complaints.push(`the endpoint moved to ${JSON.stringify(instance.Endpoint)}`)
  const { flows } = await health(world.serve)
  for (const { name, step, subject, lastError } of flows)
    if (!subject.startsWith('db-instance-timer/'))
      complaints.push(`a flow is left: ${name} in ${step}: ${lastError ?? ''}`)
  const engines = await world.engines()
  if (engines.length !== world.copies) complaints.push(`${engines.length} engines run, not ${world.copies}`)
  const writers = engines.filter(({ isStandby }) => !isStandby)
  if (writers.length !== 1) complaints.push(`${writers.length} engines take writes`)
  return complaints
}
