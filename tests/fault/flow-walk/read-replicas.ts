/** What the walks ask for of read replicas. */
import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateDBInstanceReadReplicaCommand,
  CreateDBParameterGroupCommand,
  PromoteReadReplicaCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { createInstance, deleteInstance, describe, instanceIn, query } from '../../support/database.ts'
import { fallBehind, keepLittleLog, receiverOf } from '../../support/fall-behind.ts'
import { eventually } from '../../support/holdfast.ts'
import { world, type Scenario } from './world.ts'

const SOURCE = 'replicated'
let count = 0

/** It has backups, as a source must, and goes with every scenario: its timer would die at the points of others. */
async function withSource(rds: RDSClient, more: object = {}): Promise<void> {
  const source = await createInstance(rds, SOURCE, { BackupRetentionPeriod: 1, DBName: 'shop', ...more })
  await query(world.holdfast, source, 'create table kept as select 42 as answer', { database: 'shop' })
}

async function withLittleLog(rds: RDSClient): Promise<void> {
  const group = { DBParameterGroupName: 'little-log', DBParameterGroupFamily: 'postgres18', Description: 'walk' }
  await rds.send(new CreateDBParameterGroupCommand(group))
  await keepLittleLog(rds, 'little-log')
  await withSource(rds, { DBParameterGroupName: 'little-log' })
}

/** In the data of a copy; another copy has it not. */
const markerOf = ({ DbiResourceId }: DBInstance): string =>
  join(world.state, 'hosts', 'a', 'instances', DbiResourceId!, 'data', 'marker')

/** Beside its source: a walk watches one agent. */
async function replicate(rds: RDSClient): Promise<void> {
  await instanceIn(rds, SOURCE, 'available')
  world.name = `copy-${++count}`
  await rds.send(
    new CreateDBInstanceReadReplicaCommand({
      DBInstanceIdentifier: world.name,
      SourceDBInstanceIdentifier: SOURCE,
      AvailabilityZone: 'us-east-1a',
    }),
  )
}

const replicating = (rds: RDSClient): Promise<DBInstance> =>
  instanceIn(rds, world.name, 'available', ({ StatusInfos }) => StatusInfos![0]?.Normal === true)

async function replicates(rds: RDSClient): Promise<void> {
  const replica = await replicating(rds)
  const rows = await query(world.holdfast, replica, 'select answer from kept', { database: 'shop' })
  assert.deepEqual(rows, [{ answer: 42 }])
  await query(world.holdfast, (await describe(rds, SOURCE))!, 'update kept set answer = 42', { database: 'shop' })
}

async function removeBoth(rds: RDSClient): Promise<void> {
  await deleteInstance(rds, world.name)
  await deleteInstance(rds, SOURCE)
}

const MADE: Omit<Scenario, 'steps'> = {
  prepare: (rds) => withSource(rds),
  act: replicate,
  async check(rds) {
    await replicates(rds)
    await removeBoth(rds)
  },
}

export const READ_REPLICA_SCENARIOS: Readonly<Record<string, readonly Scenario[]>> = {
  'build-read-replica': [{ steps: ['admit', 'seed', 'follow', 'finish'], ...MADE }],
  'keep-read-replica': [
    { steps: ['watch'], ...MADE },
    // For the agents' walk alone: what serve does there it does in any other trouble too.
    {
      steps: [],
      isSeenEarly: true,
      async prepare(rds) {
        await withLittleLog(rds)
        await replicate(rds)
        await replicates(rds)
      },
      async act(rds) {
        const source = await instanceIn(rds, SOURCE, 'available')
        const replica = await replicating(rds)
        await writeFile(markerOf(replica), '')
        const goOn = await fallBehind(world.holdfast, source, [await receiverOf(world.holdfast, replica)])
        await query(world.holdfast, source, 'create table last as select 7 as n', { database: 'shop' })
        goOn()
      },
      async check(rds) {
        const replica = await replicating(rds)
        const rows = await eventually('the last table', () =>
          query(world.holdfast, replica, 'select n from last', { database: 'shop' }),
        )
        assert.deepEqual(rows, [{ n: 7 }])
        assert.ok(await stat(markerOf(replica)), 'it is the copy that it was')
        await removeBoth(rds)
      },
    },
  ],
  'promote-read-replica': [
    {
      steps: ['promote', 'finish'],
      async prepare(rds) {
        await withSource(rds)
        await replicate(rds)
        await replicates(rds)
      },
      async act(rds) {
        await instanceIn(rds, world.name, 'available')
        await rds.send(new PromoteReadReplicaCommand({ DBInstanceIdentifier: world.name, BackupRetentionPeriod: 0 }))
      },
      async check(rds) {
        const promoted = await instanceIn(
          rds,
          world.name,
          'available',
          (i) => i.ReadReplicaSourceDBInstanceIdentifier === undefined,
        )
        await query(world.holdfast, promoted, 'insert into kept values (43)', { database: 'shop' })
        await removeBoth(rds)
      },
    },
  ],
}
