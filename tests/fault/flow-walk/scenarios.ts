/** The operations of the walks: what to ask for so that every flow and every job comes by all of its points. */
import assert from 'node:assert/strict'
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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
import {
  createInput,
  createInstance,
  deleteInstance,
  describe,
  instanceGone,
  instanceIn,
  query,
} from '../../support/database.ts'
import { eventually, newStateFolder, processesOf, startHoldfast } from '../../support/holdfast.ts'
import { archiveFromNow, archiveNoMore, copiedOnce, ELSEWHERE, recovered, replicate, restorable } from './backups.ts'
import { READ_REPLICA_SCENARIOS } from './read-replicas.ts'
import { backedUp, backupsOf, noFlowLeft, snapshotGone, snapshotIn, switchBackupsOn, timersGone } from './requests.ts'
import { world, type Scenario } from './world.ts'

export { world, type Scenario } from './world.ts'

const next = (prefix: string): string => `${prefix}-${++world.count}`

/** No registry can be reached in a walk: what is not on this machine cannot be had, at once and every time. */
export const OFFLINE = { npm_config_registry: 'http://127.0.0.1:9', npm_config_fetch_retries: '0' }

/** An instance `base` with a table, a snapshot of it, and a parameter group. Holdfast is stopped again. */
export async function prepareWorld(): Promise<void> {
  world.state = await newStateFolder()
  world.holdfast = await startHoldfast({ state: world.state })
  const rds = world.holdfast.rds()
  // Without backups, as its copies are: their timer would run at every start, and die at its points in other tests.
  await createInstance(rds, 'base', { DBName: 'shop', BackupRetentionPeriod: 0 })
  await query(world.holdfast, (await describe(rds, 'base'))!, 'create table kept as select 42 as answer', {
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
  await world.holdfast.stop()
}

export const intact = async (rds: RDSClient, id = 'base'): Promise<void> => {
  const instance = await instanceIn(rds, id, 'available')
  assert.deepEqual(await query(world.holdfast, instance, 'select answer from kept', { database: 'shop' }), [
    { answer: 42 },
  ])
}

/** A fresh copy of the base's data under a new world.name, for operations that use an instance up. */
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
    const [row] = await query<{ setting: string }>(world.holdfast, instance, sql)
    return row!.setting === String(kilobytes) ? true : undefined
  })
}

/** A changed group starts a flow for itself, and that one a flow for each instance. */
const CHANGED_PARAMETER: Pick<Scenario, 'act' | 'check'> = {
  act: (rds) =>
    rds.send(
      new ModifyDBParameterGroupCommand({
        DBParameterGroupName: 'pg',
        Parameters: [
          { ParameterName: 'work_mem', ParameterValue: String(4096 + ++world.count), ApplyMethod: 'immediate' },
        ],
      }),
    ),
  check: (rds) => workMemIs(rds, 4096 + world.count),
}

export const SCENARIOS: Readonly<Record<string, readonly Scenario[]>> = {
  'create-db-instance': [
    {
      steps: ['certify', 'create', 'serve', 'finish'],
      act: (rds) => rds.send(new CreateDBInstanceCommand(createInput((world.name = next('made'))))),
      async check(rds) {
        const instance = await instanceIn(rds, world.name, 'available')
        await query(world.holdfast, instance, 'select 1')
        await deleteInstance(rds, world.name)
      },
    },
    {
      // A version that is not on this machine, and a registry that is not there.
      steps: ['abandon'],
      act: (rds) =>
        rds.send(new CreateDBInstanceCommand(createInput((world.name = next('never')), { EngineVersion: '12.10' }))),
      async check(rds) {
        await instanceIn(rds, world.name, 'failed')
        await deleteInstance(rds, world.name)
      },
    },
  ],
  'restore-db-instance': [
    {
      steps: ['certify', 'restore', 'serve', 'finish'],
      act: (rds) =>
        rds.send(
          new RestoreDBInstanceFromDBSnapshotCommand({
            DBInstanceIdentifier: (world.name = next('restored')),
            DBSnapshotIdentifier: 'base-snap',
          }),
        ),
      async check(rds) {
        await intact(rds, world.name)
        await deleteInstance(rds, world.name)
      },
    },
    {
      steps: ['abandon'],
      async prepare() {
        await rename(join(world.state, 'snapshots'), join(world.state, 'snapshots-away'))
      },
      act: (rds) =>
        rds.send(
          new RestoreDBInstanceFromDBSnapshotCommand({
            DBInstanceIdentifier: (world.name = next('lost')),
            DBSnapshotIdentifier: 'base-snap',
          }),
        ),
      async check(rds) {
        await instanceIn(rds, world.name, 'restore-error')
        await rm(join(world.state, 'snapshots'), { recursive: true, force: true })
        await rename(join(world.state, 'snapshots-away'), join(world.state, 'snapshots'))
        await deleteInstance(rds, world.name)
      },
    },
    {
      // The same flow, with another job of the agent.
      steps: [],
      async prepare(rds) {
        await restored(rds, (world.name = next('saved')))
        await archiveFromNow(rds, world.name)
        await restorable(rds, world.name)
      },
      act: (rds) => recovered(rds, world.name, `${world.name}-back`),
      async check(rds) {
        await intact(rds, `${world.name}-back`)
        await deleteInstance(rds, `${world.name}-back`)
        await deleteInstance(rds, world.name)
        await timersGone(world.holdfast.url)
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
          new StopDBInstanceCommand({
            DBInstanceIdentifier: 'base',
            DBSnapshotIdentifier: (world.name = next('stop')),
          }),
        ),
      async check(rds) {
        await instanceIn(rds, 'base', 'stopped')
        await snapshotIn(rds, world.name, 'available')
        await rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'base' }))
        await intact(rds)
        await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: world.name }))
        await snapshotGone(rds, world.name)
      },
    },
    {
      // No snapshot can be taken where their folder is a file: the instance must go on serving.
      steps: ['stay'],
      async prepare() {
        await rename(join(world.state, 'snapshots'), join(world.state, 'snapshots-away'))
        await writeFile(join(world.state, 'snapshots'), '')
      },
      act: (rds) =>
        rds.send(
          new StopDBInstanceCommand({
            DBInstanceIdentifier: 'base',
            DBSnapshotIdentifier: (world.name = next('stay')),
          }),
        ),
      async check(rds) {
        await snapshotIn(rds, world.name, 'failed')
        await rm(join(world.state, 'snapshots'), { recursive: true })
        await rename(join(world.state, 'snapshots-away'), join(world.state, 'snapshots'))
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
      prepare: (rds) => restored(rds, (world.name = next('doomed'))),
      act: (rds) =>
        rds.send(
          new DeleteDBInstanceCommand({
            DBInstanceIdentifier: world.name,
            FinalDBSnapshotIdentifier: `${world.name}-final`,
          }),
        ),
      async check(rds) {
        await instanceGone(rds, world.name)
        await snapshotIn(rds, `${world.name}-final`, 'available')
        await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: `${world.name}-final` }))
        await snapshotGone(rds, `${world.name}-final`)
      },
    },
    {
      steps: ['backups'],
      async prepare(rds) {
        await restored(rds, (world.name = next('doomed')))
        await switchBackupsOn(rds, world.name)
        await backedUp(rds, world.name)
        await instanceIn(rds, world.name, 'available')
      },
      act: (rds) =>
        rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: world.name, SkipFinalSnapshot: true })),
      async check(rds) {
        await instanceGone(rds, world.name)
        assert.deepEqual(await backupsOf(rds, world.name), [])
        await timersGone(world.holdfast.url)
      },
    },
  ],
  'back-up-db-instance': [
    {
      steps: ['watch', 'store', 'settle'],
      prepare: (rds) => restored(rds, (world.name = next('saved'))),
      act: (rds) => switchBackupsOn(rds, world.name),
      async check(rds) {
        const { DBSnapshotIdentifier } = await backedUp(rds, world.name)
        await instanceIn(rds, world.name, 'available')
        assert.equal((await backupsOf(rds, world.name)).length, 1, 'one opening of the window, one backup')
        await rds.send(
          new RestoreDBInstanceFromDBSnapshotCommand({
            DBInstanceIdentifier: `${world.name}-back`,
            DBSnapshotIdentifier,
            BackupRetentionPeriod: 0,
          }),
        )
        await intact(rds, `${world.name}-back`)
        await deleteInstance(rds, `${world.name}-back`)
        await deleteInstance(rds, world.name)
        assert.deepEqual(await backupsOf(rds, world.name), [])
        await timersGone(world.holdfast.url)
      },
    },
    {
      steps: ['copy'],
      prepare: (rds) => restored(rds, (world.name = next('saved'))),
      act: (rds) => archiveFromNow(rds, world.name),
      async check(rds) {
        await restorable(rds, world.name)
        await recovered(rds, world.name, `${world.name}-back`)
        await intact(rds, `${world.name}-back`)
        await deleteInstance(rds, `${world.name}-back`)
        await deleteInstance(rds, world.name)
        await timersGone(world.holdfast.url)
      },
    },
    {
      steps: ['trim'],
      async prepare(rds) {
        await restored(rds, (world.name = next('saved')))
        await archiveFromNow(rds, world.name)
        await restorable(rds, world.name)
      },
      act: (rds) => archiveNoMore(rds, world.name),
      async check(rds) {
        await timersGone(world.holdfast.url)
        await instanceIn(rds, world.name, 'available')
        await deleteInstance(rds, world.name)
      },
    },
  ],
  'modify-db-instance': [
    {
      steps: ['prepare', 'certify', 'restart', 'password', 'redundancy', 'settle', 'finish'],
      prepare: (rds) => restored(rds, (world.name = next('modified'))),
      act: (rds) =>
        rds.send(
          new ModifyDBInstanceCommand({
            DBInstanceIdentifier: world.name,
            NewDBInstanceIdentifier: `${world.name}-new`,
            DBInstanceClass: 'db.t4g.small',
            CACertificateIdentifier: 'rds-ca-rsa2048-g1',
            MasterUserPassword: 'a-new-password-1',
            ApplyImmediately: true,
          }),
        ),
      async check(rds) {
        const instance = await instanceIn(rds, `${world.name}-new`, 'available')
        assert.equal(instance.DBInstanceClass, 'db.t4g.small')
        assert.equal(instance.CACertificateIdentifier, 'rds-ca-rsa2048-g1')
        assert.equal(await describe(rds, world.name), undefined)
        await query(world.holdfast, instance, 'select answer from kept', {
          database: 'shop',
          password: 'a-new-password-1',
        })
        await deleteInstance(rds, `${world.name}-new`)
      },
    },
    {
      steps: ['reload'],
      prepare: (rds) => restored(rds, (world.name = next('rotated'))),
      act: (rds) =>
        rds.send(
          new ModifyDBInstanceCommand({
            DBInstanceIdentifier: world.name,
            CACertificateIdentifier: 'rds-ca-rsa2048-g1',
            ApplyImmediately: true,
          }),
        ),
      async check(rds) {
        await intact(rds, world.name)
        await deleteInstance(rds, world.name)
      },
    },
  ],
  'apply-pending-modifications': [
    {
      steps: ['watch'],
      prepare: (rds) => restored(rds, (world.name = next('queued'))),
      act: (rds) =>
        rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: world.name, DBInstanceClass: 'db.t4g.small' })),
      async check(rds) {
        const instance = await instanceIn(rds, world.name, 'available')
        assert.equal(instance.PendingModifiedValues!.DBInstanceClass, 'db.t4g.small')
        await deleteInstance(rds, world.name)
      },
    },
  ],
  'apply-db-parameter-group': [{ steps: ['spread'], ...CHANGED_PARAMETER }],
  'apply-db-parameters': [{ steps: ['reload'], ...CHANGED_PARAMETER }],
  'create-db-snapshot': [
    {
      steps: ['choose', 'copy', 'finish'],
      act: (rds) =>
        rds.send(
          new CreateDBSnapshotCommand({
            DBInstanceIdentifier: 'base',
            DBSnapshotIdentifier: (world.name = next('snap')),
          }),
        ),
      async check(rds) {
        await snapshotIn(rds, world.name, 'available')
        await intact(rds)
        await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: world.name }))
        await snapshotGone(rds, world.name)
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
            TargetDBSnapshotIdentifier: (world.name = next('copy')),
          }),
        ),
      async check(rds) {
        await snapshotIn(rds, world.name, 'available')
        await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: world.name }))
        await snapshotGone(rds, world.name)
      },
    },
  ],
  'delete-db-snapshot': [
    {
      steps: ['remove', 'forget'],
      async prepare(rds) {
        world.name = next('gone')
        await rds.send(
          new CopyDBSnapshotCommand({
            SourceDBSnapshotIdentifier: 'base-snap',
            TargetDBSnapshotIdentifier: world.name,
          }),
        )
        await snapshotIn(rds, world.name, 'available')
      },
      act: (rds) => rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: world.name })),
      check: (rds) => snapshotGone(rds, world.name),
    },
  ],
  ...READ_REPLICA_SCENARIOS,
  'replicate-db-backups': [
    {
      steps: ['copy', 'trim', 'rest'],
      async prepare(rds) {
        await restored(rds, (world.name = next('saved')))
        await archiveFromNow(rds, world.name)
        await restorable(rds, world.name)
      },
      act: (rds) => replicate(rds, world.holdfast.rds(ELSEWHERE), world.name),
      async check(rds) {
        await copiedOnce(rds, world.holdfast.rds(ELSEWHERE), world.name)
        await deleteInstance(rds, world.name)
        await timersGone(world.holdfast.url)
      },
    },
  ],
  // Last: it takes the base away.
  reset: [
    {
      steps: ['silence', 'stop', 'withdraw', 'unarchive', 'wipe'],
      async prepare(rds) {
        await createInstance(rds, (world.name = next('wiped')))
        await rds.send(
          new CreateDBSnapshotCommand({ DBInstanceIdentifier: world.name, DBSnapshotIdentifier: 'wiped-snap' }),
        )
        await snapshotIn(rds, 'wiped-snap', 'available')
      },
      act: () => fetch(`${world.holdfast.url}/_holdfast/reset`, { method: 'POST' }),
      async check(rds) {
        await noFlowLeft(world.holdfast.url)
        const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({}))
        assert.deepEqual(DBInstances, [])
        await nothingOnDisk()
      },
    },
  ],
}

async function nothingOnDisk(): Promise<void> {
  const instances = join(world.state, 'hosts', 'a', 'instances')
  assert.deepEqual(await readdir(instances), [])
  assert.deepEqual(await readdir(join(world.state, 'snapshots')), [])
  assert.deepEqual(await processesOf(instances), [])
}
