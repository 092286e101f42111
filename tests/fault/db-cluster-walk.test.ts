/**
 * Kills serve at the steps of the flows of a DB cluster: after a step ran and before its commit, or after the commit.
 * After a restart the cluster is whole, no flow is left, and every commit that was acknowledged is there.
 */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBClusterCommand,
  CreateDBClusterSnapshotCommand,
  DeleteDBClusterCommand,
  DeleteDBClusterSnapshotCommand,
  DescribeDBClusterSnapshotsCommand,
  FailoverDBClusterCommand,
  ModifyDBClusterCommand,
  RebootDBClusterCommand,
  type DBCluster,
  type ModifyDBClusterCommandInput,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { flowDefinitions } from '../../src/control/flows/definitions.ts'
import {
  clusterGone,
  clusterInput,
  createCluster,
  membersOf,
  wholeCluster,
  writerEndpoint,
  writerOf,
} from '../support/cluster.ts'
import { PASSWORD, query } from '../support/database.ts'
import { discard, eventually, health, newStateFolder, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { engineOf, zoneOf } from '../support/processes.ts'
import { killedBy } from './flow-walk/death.ts'
import { orDeath } from './flow-walk/requests.ts'

/** Lives through all deaths but those that are about creating and deleting. */
const LASTING = 'lasting'
const DBClusterIdentifier = LASTING

let state: string
let holdfast: Holdfast
let acknowledged = 0

const rds = (): RDSClient => holdfast.rds()

before(async () => {
  state = await newStateFolder()
  holdfast = await startHoldfast({ state })
  const cluster = await createCluster(rds(), LASTING)
  await query(holdfast, writerEndpoint(cluster), 'create table written (n int primary key)')
  await holdfast.kill()
})

after(async () => {
  holdfast = await startHoldfast({ state })
  // Who has not dialled in yet is not stopped in order.
  await wholeCluster(rds(), LASTING)
  await discard(holdfast)
})

/** It is whole, has every acknowledged commit, and takes one more. */
async function intact(): Promise<void> {
  const cluster = await wholeCluster(rds(), LASTING)
  const address = writerEndpoint(cluster)
  const [rows] = await query<{ count: number }>(holdfast, address, 'select count(*)::int from written')
  assert.equal(rows!.count, acknowledged)
  await query(holdfast, address, `insert into written values (${acknowledged})`)
  acknowledged++
}

const noFlowLeft = (): Promise<true> =>
  eventually('no flow but those that keep clusters', async () =>
    (await health(holdfast)).flows.every(({ name }) => name === 'keep-db-cluster' || name === 'back-up-db-cluster')
      ? true
      : undefined,
  )

/** Serve dies at the point of a flow that `act` starts. */
async function dieAt(point: string, act: () => Promise<unknown>): Promise<void> {
  holdfast = await startHoldfast({ state, env: { HOLDFAST_CRASH_AT: `flow:${point}` } })
  await wholeCluster(rds(), LASTING)
  await orDeath(act())
  assert.equal(await holdfast.exited, 'SIGKILL', `serve came by ${point}:\n${holdfast.output()}`)
  holdfast = await startHoldfast({ state })
}

const walked = new Set<string>()

/**
 * Each step after it ran, so that it runs twice: with the commit before it, that is every moment between two steps. Those
 * whose commit decides something also right after it.
 */
function walk(flow: string, points: readonly string[], act: () => Promise<unknown>): void {
  for (const point of points)
    test(`serve killed at ${flow}.${point}: the cluster is whole after a restart`, async () => {
      await dieAt(`${flow}.${point}`, act)
      await intact()
      await noFlowLeft()
      await holdfast.kill()
      walked.add(`${flow}.${point.split('.')[0]}`)
    })
}

const afterEach = (...steps: readonly string[]): string[] => steps.map((step) => `${step}.after`)

walk(
  'recover-db-cluster',
  [...afterEach('decide', 'cut', 'end', 'seal', 'promote', 'open', 'finish'), 'seal.committed', 'promote.committed'],
  () => rds().send(new FailoverDBClusterCommand({ DBClusterIdentifier })),
)

/** One flow, started by `act`, that dies at one step after the other. Holdfast runs again in the end. */
async function dieOn(flow: string, points: readonly string[], act: () => Promise<unknown>): Promise<void> {
  for (const [i, point] of points.entries()) {
    const options = { state, env: { HOLDFAST_CRASH_AT: `flow:${flow}.${point}` } }
    await killedBy(point, options, async (started) => {
      holdfast = started
      if (i > 0) return
      await wholeCluster(rds(), LASTING)
      await orDeath(act())
    })
    walked.add(`${flow}.${point.split('.')[0]}`)
  }
  holdfast = await startHoldfast({ state })
}

function walkOn(flow: string, points: readonly string[], act: () => Promise<unknown>): void {
  test(`serve killed at ${flow}.${points.join(', ')}: the cluster is whole after the last restart`, async () => {
    await dieOn(flow, points, act)
    await intact()
    await noFlowLeft()
    await holdfast.kill()
  })
}

walkOn(
  'reboot-db-cluster',
  [...afterEach('readers', 'restart'), 'restart.committed', ...afterEach('gate', 'reopen', 'finish')],
  () => rds().send(new RebootDBClusterCommand({ DBClusterIdentifier })),
)

walkOn('modify-db-cluster', afterEach('password', 'finish'), () =>
  rds().send(new ModifyDBClusterCommand({ DBClusterIdentifier, MasterUserPassword: PASSWORD })),
)

const change = (changes: Partial<ModifyDBClusterCommandInput>): Promise<unknown> =>
  rds().send(new ModifyDBClusterCommand({ DBClusterIdentifier, ApplyImmediately: true, ...changes }))

walkOn(
  'change-db-cluster',
  [
    ...afterEach('prepare', 'certify', 'readers', 'restart'),
    'restart.committed',
    ...afterEach('gate', 'reopen', 'finish'),
  ],
  () => change({ DBClusterInstanceClass: 'db.t4g.small', CACertificateIdentifier: 'rds-ca-rsa4096-g1' }),
)

walkOn('change-db-cluster', ['reload.after', 'reload.committed'], () => change({ AllocatedStorage: 40 }))

test('serve killed while a snapshot is taken and while it is deleted: it is there, then gone', async () => {
  const name = { DBClusterSnapshotIdentifier: 'copy' }
  const found = async (): Promise<(string | undefined)[]> =>
    (await rds().send(new DescribeDBClusterSnapshotsCommand({}))).DBClusterSnapshots!.map(({ Status }) => Status)
  await dieAt('create-db-cluster-snapshot.copy.after', () =>
    rds().send(new CreateDBClusterSnapshotCommand({ DBClusterIdentifier, ...name })),
  )
  await eventually('the snapshot', async () => ((await found())[0] === 'available' ? true : undefined))
  await noFlowLeft()
  await holdfast.kill()
  await dieAt('delete-db-cluster-snapshot.remove.after', () => rds().send(new DeleteDBClusterSnapshotCommand(name)))
  await eventually('no snapshot', async () => ((await found()).length === 0 ? true : undefined))
  assert.deepEqual(await readdir(join(state, 'snapshots')), [])
  await holdfast.kill()
  walked.add('create-db-cluster-snapshot.copy').add('delete-db-cluster-snapshot.remove')
})

/** Process of the writer's engine. */
async function writerEngine(cluster: DBCluster): Promise<number> {
  const writer = (await membersOf(rds(), cluster)).find((one) => one.DBInstanceIdentifier === writerOf(cluster))!
  return engineOf(state, zoneOf(writer), writer)
}

test('serve killed while a reader is made anew: the cluster is whole after a restart', async () => {
  holdfast = await startHoldfast({ state })
  process.kill(await writerEngine(await wholeCluster(rds(), LASTING)), 'SIGKILL')
  await eventually('a copy of the new writer', async () =>
    (await readdir(join(state, 'snapshots'))).length > 0 ? true : undefined,
  )
  await holdfast.kill()
  holdfast = await startHoldfast({ state })
  await intact()
  await noFlowLeft()
  await holdfast.kill()
  walked.add('keep-db-cluster.watch')
})

test('serve killed at every step of create-db-cluster, and of delete-db-cluster: the cluster is whole, then gone', async () => {
  const days = { BackupRetentionPeriod: 1 }
  const created = afterEach('certify', 'create', 'route', 'await-readers', 'finish')
  await dieOn('create-db-cluster', created, () => rds().send(new CreateDBClusterCommand(clusterInput('passing', days))))
  const address = writerEndpoint(await wholeCluster(rds(), 'passing'))
  await query(holdfast, address, 'create table kept as select 42 as answer')
  await noFlowLeft()
  await holdfast.kill()
  const deleted = [
    'cancel.after',
    'cancel.committed',
    'remove.after',
    'remove.committed',
    'backups.after',
    'forget.after',
  ]
  await dieOn('delete-db-cluster', deleted, () =>
    rds().send(new DeleteDBClusterCommand({ DBClusterIdentifier: 'passing', SkipFinalSnapshot: true })),
  )
  await clusterGone(rds(), 'passing')
  await noFlowLeft()
  for (const zone of ['a', 'b', 'c'])
    assert.equal((await readdir(join(state, 'hosts', zone, 'instances'))).length, 1, `zone ${zone} has one member left`)
  await holdfast.kill()
})

walkOn('back-up-db-cluster', afterEach('copy', 'store'), () =>
  rds().send(new ModifyDBClusterCommand({ DBClusterIdentifier, BackupRetentionPeriod: 1 })),
)

/** Steps that no operation comes by here, each with the reason. */
const NOT_WALKED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['restart', 'gate', 'reopen'].map((step) => [
      `recover-db-cluster.${step}`,
      'the very steps that reboot-db-cluster has',
    ]),
  ),
  'recover-db-cluster.give-up': 'after failures in a row: src/control/flows/db-cluster.test.ts',
  'recover-db-cluster.alone': 'needs every reader to fail: src/control/flows/db-cluster.test.ts',
  'recover-db-cluster.rest': 'after failures in a row: src/control/flows/db-cluster.test.ts',
  'reboot-db-cluster.alone': 'as in recover-db-cluster',
  'reboot-db-cluster.yield': 'after failures in a row: src/control/flows/reboot-db-cluster.test.ts',
  'change-db-cluster.alone': 'as in recover-db-cluster',
  'change-db-cluster.revert': 'needs an engine that refuses: src/control/flows/change-db-cluster.test.ts',
  'await-window-of-db-cluster.watch': 'one transaction, in the maintenance window: the same test',
  'modify-db-cluster.rest': 'after failures in a row: src/control/flows/modify-db-cluster.test.ts',
  'keep-db-cluster.rest': 'after failures in a row: src/control/flows/db-cluster.test.ts',
  ...Object.fromEntries(
    ['watch', 'trim', 'settle'].map((step) => [`back-up-db-cluster.${step}`, 'as in back-up-db-instance']),
  ),
  'back-up-db-cluster.drop': 'after a copy that failed: src/control/flows/back-up-db-cluster.test.ts',
  'back-up-db-cluster.rest': 'after failures in a row: src/control/flows/back-up-db-cluster.test.ts',
  'create-db-cluster-snapshot.finish': 'as in create-db-snapshot',
  'create-db-cluster-snapshot.fail': 'last resort after six hours',
  'create-db-cluster-snapshot.discard': 'in a deletion in the middle: src/control/flows/back-up-db-cluster.test.ts',
  ...Object.fromEntries(
    ['copy', 'finish', 'fail'].map((step) => [
      `copy-db-cluster-snapshot.${step}`,
      'the very flow that DB snapshots have',
    ]),
  ),
  'delete-db-cluster-snapshot.forget': 'as in delete-db-snapshot',
  'create-db-cluster.revive': 'needs the writer to die before it has a reader',
  'create-db-cluster.abandon': 'last resort',
}

test('every step of the flows of DB clusters was walked, or says why not', () => {
  const ours = flowDefinitions.filter(({ name }) => /-db-cluster(-snapshot)?$/.test(name))
  const all = ours.flatMap(({ name, steps }) => Object.keys(steps).map((step) => `${name}.${step}`))
  assert.deepEqual(
    all.filter((step) => !walked.has(step) && !NOT_WALKED[step]),
    [],
  )
})
