/**
 * Kills serve at every step of every flow: before the step, after it ran but before its commit, and after the commit.
 * After the last death the flow must end as it would have, with no process, port or folder left over.
 *
 * One Holdfast lives through the whole walk. For each operation it is started with HOLDFAST_CRASH_AT and asked; the
 * process dies at the first point, and each start after that goes on with the flow, and dies at the next one.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { flowDefinitions } from '../../src/control/flows/definitions.ts'
import { discard, startHoldfast } from '../support/holdfast.ts'
import { killedBy } from './flow-walk/death.ts'
import { noFlowLeft, orDeath } from './flow-walk/requests.ts'
import { OFFLINE, prepareWorld, SCENARIOS, world, type Scenario } from './flow-walk/scenarios.ts'

/** Steps that no operation comes by in this walk, each with the reason. */
const NOT_WALKED: Readonly<Record<string, string>> = {
  'modify-db-instance.revert': 'needs an engine that starts and then does not: src/control/flows/failures.test.ts',
  'modify-db-instance.fail': 'last resort: src/control/flows/failures.test.ts',
  'reboot-db-instance.fail': 'last resort: src/control/flows/failures.test.ts',
  'start-db-instance.fail': 'last resort: src/control/flows/failures.test.ts',
  'stop-db-instance.fail': 'last resort: src/control/flows/failures.test.ts',
  'restore-db-instance.refuse': 'needs a damaged archive: tests/engine/point-in-time.test.ts',
  'build-read-replica.abandon': 'needs a source that cannot be copied: src/control/read-replica/read-replicas.test.ts',
  'promote-read-replica.fail': 'last resort: src/control/read-replica/read-replicas.test.ts',
  'create-db-snapshot.abandon': 'last resort after six hours',
  'copy-db-snapshot.fail': 'last resort after six hours',
  'restore-db-instance.route': 'the same step as of create-db-instance',
  'restore-db-instance.await-standby': 'the same step as of create-db-instance',
  ...Object.fromEntries(
    [
      'create-db-instance.route',
      'create-db-snapshot.copy-standby',
      'create-db-instance.await-standby',
      'modify-db-instance.await-standby',
      'modify-db-instance.part',
      ...flowDefinitions
        .filter(({ name }) => name === 'keep-db-standby' || name === 'recover-db-instance')
        .flatMap(({ name, steps }) => Object.keys(steps).map((step) => `${name}.${step}`)),
    ].map((step) => [step, 'walked in multi-az-walk.test.ts']),
  ),
  'scale-db-instance-storage.watch':
    'needs an instance that fills up: tests/engine/storage-autoscaling.test.ts kills serve while it waits',
  ...Object.fromEntries(
    flowDefinitions
      .filter(({ name }) => /-db-cluster(-snapshot)?$/.test(name))
      .flatMap(({ name, steps }) =>
        Object.keys(steps).map((step) => [`${name}.${step}`, 'walked in db-cluster-walk.test.ts']),
      ),
  ),
  ...Object.fromEntries(
    flowDefinitions
      .filter(({ name }) => name.includes('-aurora-'))
      .flatMap(({ name, steps }) =>
        Object.keys(steps).map((step) => [
          `${name}.${step}`,
          'needs a cluster volume: src/control/flows/aurora-walk.test.ts runs each step twice',
        ]),
      ),
  ),
  ...Object.fromEntries(
    flowDefinitions
      .filter(({ name }) => name.startsWith('keep-volume-'))
      .flatMap(({ name, steps }) =>
        Object.keys(steps).map((step) => [
          `${name}.${step}`,
          `needs a cluster volume: src/control/flows/${name}.test.ts runs it twice`,
        ]),
      ),
  ),
  'keep-volume-images.abandon': 'needs an image that fails: src/control/flows/keep-volume-images.test.ts',
  'keep-volume-images.rest': 'a pause after what failed',
  'keep-volume-members.rest': 'a pause after what failed again and again',
  'apply-db-parameters.give-up': 'last resort after more than a year',
}

const PHASES = ['before', 'after', 'committed'] as const

/** Before a step is the same moment as after the commit of the one that an operation comes from: that is walked there. */
function phasesOf(flow: string, step: string, { steps }: Scenario): readonly string[] {
  const inOrder = Object.keys(flowDefinitions.find(({ name }) => name === flow)!.steps)
  const comesFrom = inOrder[inOrder.indexOf(step) - 1]
  return comesFrom !== undefined && steps.includes(comesFrom) ? ['after', 'committed'] : PHASES
}

const walked = new Set<string>()

before(prepareWorld)

after(async () => {
  // The last point killed serve: its agents are stopped in order by the next one.
  world.holdfast = await startHoldfast({ state: world.state })
  await discard(world.holdfast)
})

async function prepared({ prepare }: Scenario): Promise<void> {
  if (!prepare) return
  world.holdfast = await startHoldfast({ state: world.state, env: OFFLINE })
  await prepare(world.holdfast.rds())
  await world.holdfast.kill()
}

/** The first death comes while the operation is asked for, any other while its flow is gone on with. */
async function die(point: string, scenario: Scenario, isFirst: boolean): Promise<void> {
  const env = { ...OFFLINE, HOLDFAST_CRASH_AT: `flow:${point}` }
  await killedBy(point, { state: world.state, env }, async (holdfast) => {
    world.holdfast = holdfast
    if (isFirst) await orDeath(scenario.act(holdfast.rds()))
  })
  walked.add(point)
}

async function finish(scenario: Scenario): Promise<void> {
  world.holdfast = await startHoldfast({ state: world.state, env: OFFLINE })
  await scenario.check(world.holdfast.rds())
  await noFlowLeft(world.holdfast.url)
  await world.holdfast.kill()
}

for (const [flow, scenarios] of Object.entries(SCENARIOS))
  for (const scenario of scenarios.filter(({ steps }) => steps.length > 0))
    test(`serve killed all along ${flow} (${scenario.steps.join(', ')})`, async (t) => {
      await prepared(scenario)
      const points = scenario.steps.flatMap((step) =>
        phasesOf(flow, step, scenario).map((phase) => `${flow}.${step}.${phase}`),
      )
      for (const point of points) {
        let isDead = false
        await t.test(`dies at ${point}`, async () => {
          await die(point, scenario, point === points[0])
          isDead = true
        })
        // Without this death the next ones would be of another flow, or of none.
        assert.ok(isDead, `serve came by ${point}`)
      }
      await t.test('ends as if nothing had been', () => finish(scenario))
    })

test('every step of every flow was walked, or says why not', () => {
  const all = flowDefinitions.flatMap(({ name: flow, steps }) => Object.keys(steps).map((step) => `${flow}.${step}`))
  const missing = all.filter(
    (step) => !['after', 'committed'].every((phase) => walked.has(`${step}.${phase}`)) && !NOT_WALKED[step],
  )
  assert.deepEqual(missing, [])
})
