/**
 * Kills serve at every step of every flow: before the step, after it ran but before its commit, and after the commit.
 * After a restart the flow must end as it would have, with no process, port or folder left over.
 *
 * One Holdfast lives through the whole walk. For each point it is started with HOLDFAST_CRASH_AT, one operation is
 * asked for, the process dies there, and the next start, armed for the next point, has to finish the work.
 */
import assert from 'node:assert/strict'
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CopyDBSnapshotCommand,
  CreateDBInstanceCommand,
  CreateDBParameterGroupCommand,
  CreateDBSnapshotCommand,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  RebootDBInstanceCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { flowDefinitions } from '../../src/control/flows/definitions.ts'
import {
  createInput,
  createInstance,
  deleteInstance,
  describe,
  instanceGone,
  instanceIn,
  query,
} from '../support/database.ts'
import {
  backedUp,
  backupsOf,
  noFlowLeft,
  orDeath,
  snapshotGone,
  snapshotIn,
  switchBackupsOn,
  timersGone,
} from './flow-walk/requests.ts'
import { discard, eventually, newStateFolder, processesOf, startHoldfast, type Holdfast } from '../support/holdfast.ts'

/** What to ask for so that a flow comes by its steps, and what must be true once it has ended. */
interface Scenario {
  readonly steps: readonly string[]
  prepare?(rds: RDSClient): Promise<void>
  act(rds: RDSClient): Promise<unknown>
  check(rds: RDSClient, holdfast: Holdfast): Promise<unknown>
}

/** Steps that no operation comes by in this walk, each with the reason. */
const NOT_WALKED: Readonly<Record<string, string>> = {
  'modify-db-instance.revert': 'needs an engine that starts and then does not; unit-tested in modify flow tests',
  'modify-db-instance.fail': 'last resort after half an hour without an engine',
  'reboot-db-instance.fail': 'last resort; its commit is that of create-db-instance.abandon (endings.ts)',
  'start-db-instance.fail': 'last resort; its commit is that of create-db-instance.abandon (endings.ts)',
  'stop-db-instance.fail': 'last resort; its commit is that of create-db-instance.abandon (endings.ts)',
  'create-db-snapshot.abandon': 'last resort after six hours',
  'copy-db-snapshot.fail': 'last resort after six hours',
  'apply-db-parameters.give-up': 'last resort after more than a year',
}

const PHASES = ['before', 'after', 'committed'] as const

let state: string
let holdfast: Holdfast
let count = 0
const walked = new Set<string>()
const next = (prefix: string): string => `${prefix}-${++count}`

before(async () => {
  state = await newStateFolder()
  holdfast = await startHoldfast({ state })
  const rds = holdfast.rds()
  // Without backups, as its copies are: their timer would run at every start, and die at its points in other tests.
  await createInstance(rds, 'base', { DBName: 'shop', BackupRetentionPeriod: 0 })
  await query(holdfast, (await describe(rds, 'base'))!, 'create table kept as select 42 as answer', {
    database: 'shop',
  })
  await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'base', DBSnapshotIdentifier: 'base-snap' }))
  await snapshotIn(rds, 'base-snap', 'available')
  await rds.send(
    new CreateDBParameterGroupCommand({
      DBParameterGroupName: 'pg',
      DBParameterGroupFamily: 'postgres18',
      Description: 'walk',
    }),
  )
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'base', DBParameterGroupName: 'pg' }))
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'base' }))
  await instanceIn(rds, 'base', 'available')
  await holdfast.stop()
})

after(async () => {
  // The last point killed serve: its agents are stopped in order by the next one.
  holdfast = await startHoldfast({ state })
  await discard(holdfast)
})

const intact = async (rds: RDSClient, id = 'base'): Promise<void> => {
  const instance = await instanceIn(rds, id, 'available')
  assert.deepEqual(await query(holdfast, instance, 'select answer from kept', { database: 'shop' }), [{ answer: 42 }])
}

/** A fresh copy of the base's data under a new name, for operations that use an instance up. */
async function restored(rds: RDSClient, id: string): Promise<void> {
  await rds.send(
    new RestoreDBInstanceFromDBSnapshotCommand({ DBInstanceIdentifier: id, DBSnapshotIdentifier: 'base-snap' }),
  )
  await instanceIn(rds, id, 'available')
}

async function workMemIs(rds: RDSClient, kilobytes: number): Promise<void> {
  const inSync = (i: DBInstance): boolean => i.DBParameterGroups![0]!.ParameterApplyStatus === 'in-sync'
  const sql = `select setting from pg_settings where name = 'work_mem'`
  await eventually(`work_mem of ${kilobytes} kB`, async () => {
    const instance = await instanceIn(rds, 'base', 'available', inSync)
    const [row] = await query<{ setting: string }>(holdfast, instance, sql)
    return row!.setting === String(kilobytes) ? true : undefined
  })
}

let name = ''

const SCENARIOS: Readonly<Record<string, readonly Scenario[]>> = {
  'create-db-instance': [
    {
      steps: ['certify', 'create', 'finish'],
      act: (rds) => rds.send(new CreateDBInstanceCommand(createInput((name = next('made'))))),
      async check(rds) {
        const instance = await instanceIn(rds, name, 'available')
        await query(holdfast, instance, 'select 1')
        await deleteInstance(rds, name)
      },
    },
    {
      // A version that is not on this machine, and a registry that is not there.
      steps: ['abandon'],
      act: (rds) =>
        rds.send(new CreateDBInstanceCommand(createInput((name = next('never')), { EngineVersion: '12.10' }))),
      async check(rds) {
        await instanceIn(rds, name, 'failed')
        await deleteInstance(rds, name)
      },
    },
  ],
  'restore-db-instance': [
    {
      steps: ['certify', 'restore', 'finish'],
      act: (rds) =>
        rds.send(
          new RestoreDBInstanceFromDBSnapshotCommand({
            DBInstanceIdentifier: (name = next('restored')),
            DBSnapshotIdentifier: 'base-snap',
          }),
        ),
      async check(rds) {
        await intact(rds, name)
        await deleteInstance(rds, name)
      },
    },
    {
      steps: ['abandon'],
      async prepare() {
        await rename(join(state, 'snapshots'), join(state, 'snapshots-away'))
      },
      act: (rds) =>
        rds.send(
          new RestoreDBInstanceFromDBSnapshotCommand({
            DBInstanceIdentifier: (name = next('lost')),
            DBSnapshotIdentifier: 'base-snap',
          }),
        ),
      async check(rds) {
        await instanceIn(rds, name, 'restore-error')
        await rm(join(state, 'snapshots'), { recursive: true, force: true })
        await rename(join(state, 'snapshots-away'), join(state, 'snapshots'))
        await deleteInstance(rds, name)
      },
    },
  ],
  'reboot-db-instance': [
    {
      steps: ['adopt', 'restart', 'finish'],
      act: (rds) => rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'base' })),
      check: (rds) => intact(rds),
    },
  ],
  'stop-db-instance': [
    {
      steps: ['snapshot', 'stop', 'finish'],
      act: (rds) =>
        rds.send(
          new StopDBInstanceCommand({ DBInstanceIdentifier: 'base', DBSnapshotIdentifier: (name = next('stop')) }),
        ),
      async check(rds) {
        await instanceIn(rds, 'base', 'stopped')
        await snapshotIn(rds, name, 'available')
        await rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'base' }))
        await intact(rds)
        await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: name }))
        await snapshotGone(rds, name)
      },
    },
    {
      // No snapshot can be taken where their folder is a file: the instance must go on serving.
      steps: ['stay'],
      async prepare() {
        await rename(join(state, 'snapshots'), join(state, 'snapshots-away'))
        await writeFile(join(state, 'snapshots'), '')
      },
      act: (rds) =>
        rds.send(
          new StopDBInstanceCommand({ DBInstanceIdentifier: 'base', DBSnapshotIdentifier: (name = next('stay')) }),
        ),
      async check(rds) {
        await snapshotIn(rds, name, 'failed')
        await rm(join(state, 'snapshots'), { recursive: true })
        await rename(join(state, 'snapshots-away'), join(state, 'snapshots'))
        await intact(rds)
      },
    },
  ],
  'start-db-instance': [
    {
      steps: ['adopt', 'start', 'finish'],
      async prepare(rds) {
        await rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'base' }))
        await instanceIn(rds, 'base', 'stopped')
      },
      act: (rds) => rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'base' })),
      check: (rds) => intact(rds),
    },
  ],
  'auto-start-db-instance': [
    {
      steps: ['watch'],
      act: (rds) => rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'base' })),
      async check(rds) {
        await instanceIn(rds, 'base', 'stopped')
        await rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'base' }))
        await intact(rds)
      },
    },
  ],
  'delete-db-instance': [
    {
      steps: ['cancel', 'snapshot', 'remove', 'forget', 'silence'],
      prepare: (rds) => restored(rds, (name = next('doomed'))),
      act: (rds) =>
        rds.send(
          new DeleteDBInstanceCommand({ DBInstanceIdentifier: name, FinalDBSnapshotIdentifier: `${name}-final` }),
        ),
      async check(rds) {
        await instanceGone(rds, name)
        await snapshotIn(rds, `${name}-final`, 'available')
        await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: `${name}-final` }))
        await snapshotGone(rds, `${name}-final`)
      },
    },
    {
      steps: ['backups'],
      async prepare(rds) {
        await restored(rds, (name = next('doomed')))
        await switchBackupsOn(rds, name)
        await backedUp(rds, name)
        await instanceIn(rds, name, 'available')
      },
      act: (rds) => rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: name, SkipFinalSnapshot: true })),
      async check(rds) {
        await instanceGone(rds, name)
        assert.deepEqual(await backupsOf(rds, name), [])
        await timersGone(holdfast.url)
      },
    },
  ],
  'back-up-db-instance': [
    {
      steps: ['watch'],
      prepare: (rds) => restored(rds, (name = next('saved'))),
      act: (rds) => switchBackupsOn(rds, name),
      async check(rds) {
        const { DBSnapshotIdentifier } = await backedUp(rds, name)
        await instanceIn(rds, name, 'available')
        assert.equal((await backupsOf(rds, name)).length, 1, 'one opening of the window, one backup')
        await rds.send(
          new RestoreDBInstanceFromDBSnapshotCommand({
            DBInstanceIdentifier: `${name}-back`,
            DBSnapshotIdentifier,
            BackupRetentionPeriod: 0,
          }),
        )
        await intact(rds, `${name}-back`)
        await deleteInstance(rds, `${name}-back`)
        await deleteInstance(rds, name)
        assert.deepEqual(await backupsOf(rds, name), [])
        await timersGone(holdfast.url)
      },
    },
  ],
  'modify-db-instance': [
    {
      steps: ['prepare', 'certify', 'restart', 'password', 'settle', 'finish'],
      prepare: (rds) => restored(rds, (name = next('modified'))),
      act: (rds) =>
        rds.send(
          new ModifyDBInstanceCommand({
            DBInstanceIdentifier: name,
            NewDBInstanceIdentifier: `${name}-new`,
            DBInstanceClass: 'db.t4g.small',
            CACertificateIdentifier: 'rds-ca-rsa2048-g1',
            MasterUserPassword: 'a-new-password-1',
            ApplyImmediately: true,
          }),
        ),
      async check(rds) {
        const instance = await instanceIn(rds, `${name}-new`, 'available')
        assert.equal(instance.DBInstanceClass, 'db.t4g.small')
        assert.equal(instance.CACertificateIdentifier, 'rds-ca-rsa2048-g1')
        assert.equal(await describe(rds, name), undefined)
        await query(holdfast, instance, 'select answer from kept', { database: 'shop', password: 'a-new-password-1' })
        await deleteInstance(rds, `${name}-new`)
      },
    },
    {
      steps: ['reload'],
      prepare: (rds) => restored(rds, (name = next('rotated'))),
      act: (rds) =>
        rds.send(
          new ModifyDBInstanceCommand({
            DBInstanceIdentifier: name,
            CACertificateIdentifier: 'rds-ca-rsa2048-g1',
            ApplyImmediately: true,
          }),
        ),
      async check(rds) {
        await intact(rds, name)
        await deleteInstance(rds, name)
      },
    },
  ],
  'apply-pending-modifications': [
    {
      steps: ['watch'],
      prepare: (rds) => restored(rds, (name = next('queued'))),
      act: (rds) =>
        rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: name, DBInstanceClass: 'db.t4g.small' })),
      async check(rds) {
        const instance = await instanceIn(rds, name, 'available')
        assert.equal(instance.PendingModifiedValues!.DBInstanceClass, 'db.t4g.small')
        await deleteInstance(rds, name)
      },
    },
  ],
  'apply-db-parameter-group': [
    {
      steps: ['spread'],
      act: (rds) =>
        rds.send(
          new ModifyDBParameterGroupCommand({
            DBParameterGroupName: 'pg',
            Parameters: [
              { ParameterName: 'work_mem', ParameterValue: String(4096 + ++count), ApplyMethod: 'immediate' },
            ],
          }),
        ),
      check: (rds) => workMemIs(rds, 4096 + count),
    },
  ],
  'apply-db-parameters': [
    {
      steps: ['reload'],
      act: (rds) =>
        rds.send(
          new ModifyDBParameterGroupCommand({
            DBParameterGroupName: 'pg',
            Parameters: [
              { ParameterName: 'work_mem', ParameterValue: String(4096 + ++count), ApplyMethod: 'immediate' },
            ],
          }),
        ),
      check: (rds) => workMemIs(rds, 4096 + count),
    },
  ],
  'create-db-snapshot': [
    {
      steps: ['copy', 'finish'],
      act: (rds) =>
        rds.send(
          new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'base', DBSnapshotIdentifier: (name = next('snap')) }),
        ),
      async check(rds) {
        await snapshotIn(rds, name, 'available')
        await intact(rds)
        await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: name }))
        await snapshotGone(rds, name)
      },
    },
  ],
  'copy-db-snapshot': [
    {
      steps: ['copy', 'finish'],
      act: (rds) =>
        rds.send(
          new CopyDBSnapshotCommand({
            SourceDBSnapshotIdentifier: 'base-snap',
            TargetDBSnapshotIdentifier: (name = next('copy')),
          }),
        ),
      async check(rds) {
        await snapshotIn(rds, name, 'available')
        await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: name }))
        await snapshotGone(rds, name)
      },
    },
  ],
  'delete-db-snapshot': [
    {
      steps: ['remove', 'forget'],
      async prepare(rds) {
        name = next('gone')
        await rds.send(
          new CopyDBSnapshotCommand({ SourceDBSnapshotIdentifier: 'base-snap', TargetDBSnapshotIdentifier: name }),
        )
        await snapshotIn(rds, name, 'available')
      },
      act: (rds) => rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: name })),
      check: (rds) => snapshotGone(rds, name),
    },
  ],
  // Last: it takes the base away.
  reset: [
    {
      steps: ['silence', 'stop', 'wipe'],
      async prepare(rds) {
        await createInstance(rds, (name = next('wiped')))
        await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: name, DBSnapshotIdentifier: 'wiped-snap' }))
        await snapshotIn(rds, 'wiped-snap', 'available')
      },
      act: () => fetch(`${holdfast.url}/_holdfast/reset`, { method: 'POST' }),
      async check(rds) {
        await noFlowLeft(holdfast.url)
        const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({}))
        assert.deepEqual(DBInstances, [])
        await nothingOnDisk()
      },
    },
  ],
}

async function walk(point: string, scenario: Scenario): Promise<void> {
  // No registry can be reached in the walk: what is not on this machine cannot be had, at once and every time.
  const env = { npm_config_registry: 'http://127.0.0.1:9', npm_config_fetch_retries: '0' }
  if (scenario.prepare) {
    holdfast = await startHoldfast({ state, env })
    await scenario.prepare(holdfast.rds())
    await holdfast.kill()
  }
  holdfast = await startHoldfast({ state, env: { ...env, HOLDFAST_CRASH_AT: `flow:${point}` } })
  await orDeath(scenario.act(holdfast.rds()))
  assert.equal(await holdfast.exited, 'SIGKILL', `serve came by ${point}:\n${holdfast.output()}`)
  holdfast = await startHoldfast({ state, env })
  await scenario.check(holdfast.rds(), holdfast)
  await noFlowLeft(holdfast.url)
  await holdfast.kill()
  walked.add(point)
}

for (const [flow, scenarios] of Object.entries(SCENARIOS))
  for (const scenario of scenarios)
    for (const step of scenario.steps)
      for (const phase of PHASES)
        test(`serve killed at ${flow}.${step}.${phase}: the flow ends after a restart`, () =>
          walk(`${flow}.${step}.${phase}`, scenario))

test('every step of every flow was walked, or says why not', () => {
  const all = flowDefinitions.flatMap(({ name: flow, steps }) => Object.keys(steps).map((step) => `${flow}.${step}`))
  const missing = all.filter((step) => !PHASES.every((phase) => walked.has(`${step}.${phase}`)) && !NOT_WALKED[step])
  assert.deepEqual(missing, [])
})

async function nothingOnDisk(): Promise<void> {
  const instances = join(state, 'hosts', 'a', 'instances')
  assert.deepEqual(await readdir(instances), [])
  assert.deepEqual(await readdir(join(state, 'snapshots')), [])
  assert.deepEqual(await processesOf(instances), [])
}
