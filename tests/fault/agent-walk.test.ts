/**
 * Kills the agent at every point of every job that it does for a flow, on real PostgreSQL: as it takes the job, between
 * any two things it does for it, and once the result is written down. Serve starts it again, it goes on with the job and
 * dies at the next point, and after the last one the operation must end as it would have. (agent-survival.test.ts walks the same points with a scripted engine and looks at the agent alone.)
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DescribeDBInstancesCommand } from '@aws-sdk/client-rds'
import { discard, eventually, startHoldfast } from '../support/holdfast.ts'
import { noFlowLeft } from './flow-walk/requests.ts'
import { intact, OFFLINE, prepareWorld, SCENARIOS, world, type Scenario } from './flow-walk/scenarios.ts'

/** The points of each kind of job (docs/protocol/agent.md), and the flow whose first scenario, or this one, has such a job. */
const JOBS: readonly (readonly [kind: string, flow: string, points: string, scenario?: number])[] = [
  ['engine.prepare', 'create-db-instance', 'accepted prepared recorded'],
  [
    'instance.create',
    'create-db-instance',
    'accepted wiped initialized configured started bootstrapped sealed recorded',
  ],
  ['instance.restore', 'restore-db-instance', 'accepted wiped restored configured started sealed recorded'],
  ['instance.restart', 'reboot-db-instance', 'accepted stopped intended started recorded'],
  ['instance.stop', 'auto-start-db-instance', 'accepted intended stopped recorded'],
  ['instance.start', 'start-db-instance', 'accepted started recorded'],
  ['instance.reload', 'apply-db-parameters', 'accepted intended configured reloaded recorded'],
  ['instance.set-password', 'modify-db-instance', 'accepted password-set recorded'],
  ['instance.snapshot', 'create-db-snapshot', 'accepted wiped copied completed recorded'],
  ['snapshot.copy', 'copy-db-snapshot', 'accepted wiped copied completed recorded'],
  ['snapshot.remove', 'delete-db-snapshot', 'accepted removed recorded'],
  ['instance.recover', 'restore-db-instance', 'accepted fetched started recovered recorded', 2],
  ['backup.store', 'back-up-db-instance', 'accepted stored recorded', 1],
  ['archive.mirror', 'replicate-db-backups', 'accepted copied recorded'],
  ['archive.trim', 'back-up-db-instance', 'accepted trimmed recorded', 2],
  // A copy of the source that was moved into place is used up by a death, and there are not more than a few.
  ['instance.follow', 'build-read-replica', 'accepted wiped filled configured'],
  ['instance.follow', 'build-read-replica', 'started followed'],
  ['instance.follow', 'build-read-replica', 'sealed recorded'],
  ['instance.promote', 'promote-read-replica', 'accepted intended configured promoted recorded'],
  ['instance.catch-up', 'keep-read-replica', 'accepted given fed recorded', 1],
  ['instance.remove', 'delete-db-instance', 'accepted intended stopped removed recorded'],
]

before(prepareWorld)

after(() => discard(world.holdfast))

/** How many agents there have been. */
const agentsStarted = async (): Promise<number> =>
  (await readFile(join(world.state, 'hosts', 'a', 'agent.log'), 'utf8')).split('"agent started"').length - 1

/** An instance that was only just adopted or started again takes no orders yet. */
const nothingStarts = (): Promise<true> =>
  eventually('instances that are up', async () => {
    const { DBInstances } = await world.holdfast.rds().send(new DescribeDBInstancesCommand({}))
    return DBInstances!.every(({ DBInstanceStatus }) => DBInstanceStatus !== 'starting') ? true : undefined
  })

async function walk(points: readonly string[], scenario: Scenario): Promise<void> {
  const { state } = world
  if (scenario.prepare) {
    world.holdfast = await startHoldfast({ state, env: OFFLINE })
    await intact(world.holdfast.rds())
    await scenario.prepare(world.holdfast.rds())
    await world.holdfast.stop()
  }
  const started = await agentsStarted()
  const crashAt = points.map((point) => `agent:${point}`).join(',')
  world.holdfast = await startHoldfast({ state, env: { ...OFFLINE, HOLDFAST_CRASH_AT: crashAt } })
  const isRunning = scenario !== SCENARIOS['start-db-instance']![0]
  if (isRunning) await intact(world.holdfast.rds())
  await nothingStarts()
  await scenario.act(world.holdfast.rds())
  const starts = started + 1 + points.length
  if (scenario.isSeenEarly)
    await eventually(`${points.length} deaths`, async () => ((await agentsStarted()) >= starts ? true : undefined))
  await scenario.check(world.holdfast.rds())
  await noFlowLeft(world.holdfast.url)
  assert.equal(await agentsStarted(), starts, `an agent died at each of ${points.join(', ')}`)
  await intact(world.holdfast.rds())
  await world.holdfast.stop()
}

for (const [kind, flow, points, place = 0] of JOBS)
  test(`agents killed at ${points.replaceAll(' ', ', ')} of ${kind}: the next one does what was asked for`, () =>
    walk(
      points.split(' ').map((point) => `${kind}.${point}`),
      SCENARIOS[flow]![place]!,
    ))
