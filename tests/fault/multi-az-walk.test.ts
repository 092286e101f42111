/**
 * Kills serve at the steps of the flows that make, keep and use a standby: after a step ran and before its commit, and
 * after the commit. After a restart the instance is available, has both copies, and has lost nothing.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  DeleteDBSnapshotCommand,
  ModifyDBInstanceCommand,
  RebootDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { flowDefinitions } from '../../src/control/flows/definitions.ts'
import { createInput, createInstance, deleteInstance, describe, instanceIn, query } from '../support/database.ts'
import { discard, newStateFolder, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { engineOf, treeOf, zoneOf } from '../support/processes.ts'
import { killedBy } from './flow-walk/death.ts'
import { noFlowLeft, orDeath, snapshotGone, snapshotIn } from './flow-walk/requests.ts'

interface Scenario {
  /** `flow.step` */
  readonly steps: readonly string[]
  /** It takes the same way after any death, and dies at all of these points, in this order. Otherwise at each by itself. */
  readonly isOneWay?: boolean
  prepare?(): Promise<unknown>
  act(): Promise<unknown>
  check(): Promise<unknown>
}

let state: string
let holdfast: Holdfast
let stopped: number[] = []
let count = 0
let name = ''

const rds = (): RDSClient => holdfast.rds()
const redundant = (id: string): Promise<DBInstance> =>
  instanceIn(rds(), id, 'available', (instance) => instance.MultiAZ === true)
const single = (id: string): Promise<DBInstance> =>
  instanceIn(rds(), id, 'available', (instance) => instance.SecondaryAvailabilityZone === undefined)
const convert = (id: string, MultiAZ: boolean): Promise<unknown> =>
  rds().send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: id, MultiAZ, ApplyImmediately: true }))

async function intact(id: string): Promise<void> {
  const instance = await redundant(id)
  assert.deepEqual(await query(holdfast, instance, 'select answer from kept'), [{ answer: 42 }])
  // It takes writes, which the standby has before they are acknowledged.
  await query(holdfast, instance, 'insert into written values (1)')
}

const signal = async (zone: (instance: DBInstance) => string, what: NodeJS.Signals): Promise<void> => {
  const instance = (await describe(rds(), 'pair'))!
  const engine = await engineOf(holdfast.state, zone(instance), instance)
  stopped = what === 'SIGSTOP' ? await treeOf(engine) : [engine]
  for (const pid of stopped) process.kill(pid, what)
}

const SCENARIOS: readonly Scenario[] = [
  {
    steps: [
      ...['decide', 'cut', 'end', 'promote', 'open', 'finish'].map((step) => `recover-db-instance.${step}`),
      ...['return', 'join', 'tell'].map((step) => `keep-db-standby.${step}`),
    ],
    act: () => rds().send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'pair', ForceFailover: true })),
    check: () => intact('pair'),
  },
  {
    // The last failover was a moment ago by the pause that the walk has: the primary is started where it is.
    steps: ['restart', 'gate', 'reopen'].map((step) => `recover-db-instance.${step}`),
    act: () => signal(zoneOf, 'SIGKILL'),
    check: () => intact('pair'),
  },
  {
    steps: ['create-db-snapshot.copy-standby'],
    isOneWay: true,
    act: () =>
      rds().send(
        new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'pair', DBSnapshotIdentifier: (name = `snap-${++count}`) }),
      ),
    async check() {
      await snapshotIn(rds(), name, 'available')
      await intact('pair')
      await rds().send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: name }))
      await snapshotGone(rds(), name)
    },
  },
  {
    steps: ['keep-db-standby.release'],
    act: () => signal((instance) => instance.SecondaryAvailabilityZone!.at(-1)!, 'SIGSTOP'),
    async check() {
      for (const pid of stopped) process.kill(pid, 'SIGCONT')
      await intact('pair')
    },
  },
  {
    steps: [
      'modify-db-instance.redundancy',
      'modify-db-instance.await-standby',
      'keep-db-standby.seed',
      'keep-db-standby.follow',
    ],
    isOneWay: true,
    act: () => convert('one', true),
    async check() {
      await intact('one')
      await convert('one', false)
      await single('one')
    },
  },
  {
    steps: ['modify-db-instance.part'],
    isOneWay: true,
    async prepare() {
      await convert('one', true)
      await redundant('one')
    },
    act: () => convert('one', false),
    check: () => single('one'),
  },
  {
    steps: ['create-db-instance.route', 'create-db-instance.await-standby'],
    isOneWay: true,
    act: () =>
      rds().send(
        new CreateDBInstanceCommand(
          createInput((name = `made-${++count}`), { MultiAZ: true, BackupRetentionPeriod: 0 }),
        ),
      ),
    async check() {
      await redundant(name)
      await deleteInstance(rds(), name)
    },
  },
]

/** Steps of these flows that no operation comes by here, each with the reason. */
const NOT_WALKED: Readonly<Record<string, string>> = {
  'keep-db-standby.watch': 'runs at every start of serve, so before and after each of these deaths',
  'keep-db-standby.catch-up': 'needs a primary that has removed log: src/control/flows/multi-az.test.ts',
  'keep-db-standby.rest': 'after failures in a row: src/control/flows/multi-az.test.ts',
  'recover-db-instance.give-up': 'after failures in a row: src/control/flows/multi-az.test.ts',
  'recover-db-instance.alone': 'needs both copies to fail at once: src/control/flows/multi-az.test.ts',
  'recover-db-instance.fail': 'last resort: src/control/flows/multi-az.test.ts',
}

const PHASES = ['after', 'committed'] as const
const ENV = { HOLDFAST_FAILOVER_PAUSE_MS: '86400000' }

before(async () => {
  state = await newStateFolder()
  holdfast = await startHoldfast({ state, env: ENV })
  await createInstance(rds(), 'pair', { MultiAZ: true, BackupRetentionPeriod: 0 })
  await createInstance(rds(), 'one', { BackupRetentionPeriod: 0 })
  for (const id of ['pair', 'one'])
    await query(
      holdfast,
      (await describe(rds(), id))!,
      'create table kept as select 42 as answer; create table written (n int)',
    )
  await holdfast.kill()
})

after(async () => {
  holdfast = await startHoldfast({ state, env: ENV })
  await discard(holdfast)
})

async function walk(points: readonly string[], scenario: Scenario): Promise<void> {
  if (scenario.prepare) {
    holdfast = await startHoldfast({ state, env: ENV })
    await scenario.prepare()
    await holdfast.kill()
  }
  for (const [i, point] of points.entries())
    await killedBy(point, { state, env: { ...ENV, HOLDFAST_CRASH_AT: `flow:${point}` } }, async (started) => {
      holdfast = started
      if (i > 0) return
      await redundant('pair')
      await orDeath(scenario.act())
    })
  holdfast = await startHoldfast({ state, env: ENV })
  await scenario.check()
  await noFlowLeft(holdfast.url)
  await holdfast.kill()
}

for (const scenario of SCENARIOS) {
  const points = scenario.steps.flatMap((step) => PHASES.map((phase) => `${step}.${phase}`))
  for (const deaths of scenario.isOneWay ? [points] : points.map((point) => [point]))
    test(`serve killed at ${deaths.join(', ')}: both copies are there after a restart`, () => walk(deaths, scenario))
}

test('every step of the flows of standbys was walked, or says why not', () => {
  const ours = flowDefinitions.filter(({ name: flow }) => flow === 'keep-db-standby' || flow === 'recover-db-instance')
  const all = ours.flatMap(({ name: flow, steps }) => Object.keys(steps).map((step) => `${flow}.${step}`))
  const walked = new Set(SCENARIOS.flatMap(({ steps }) => steps))
  assert.deepEqual(
    all.filter((step) => !walked.has(step) && !NOT_WALKED[step]),
    [],
  )
})
