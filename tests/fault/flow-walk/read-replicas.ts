/** What the walks ask for of read replicas. */
import assert from 'node:assert/strict'
import { CreateDBInstanceReadReplicaCommand, PromoteReadReplicaCommand, type RDSClient } from '@aws-sdk/client-rds'
import { createInstance, deleteInstance, describe, instanceIn, query } from '../../support/database.ts'
import { world, type Scenario } from './world.ts'

const SOURCE = 'replicated'
let count = 0

/** It has backups, as a source must, and goes with every scenario: its timer would die at the points of others. */
async function withSource(rds: RDSClient): Promise<void> {
  const source = await createInstance(rds, SOURCE, { BackupRetentionPeriod: 1, DBName: 'shop' })
  await query(world.holdfast, source, 'create table kept as select 42 as answer', { database: 'shop' })
}

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

async function replicates(rds: RDSClient): Promise<void> {
  const replica = await instanceIn(rds, world.name, 'available', ({ StatusInfos }) => StatusInfos![0]?.Normal === true)
  const rows = await query(world.holdfast, replica, 'select answer from kept', { database: 'shop' })
  assert.deepEqual(rows, [{ answer: 42 }])
  await query(world.holdfast, (await describe(rds, SOURCE))!, 'update kept set answer = 42', { database: 'shop' })
}

async function removeBoth(rds: RDSClient): Promise<void> {
  await deleteInstance(rds, world.name)
  await deleteInstance(rds, SOURCE)
}

const MADE: Omit<Scenario, 'steps'> = {
  prepare: withSource,
  act: replicate,
  async check(rds) {
    await replicates(rds)
    await removeBoth(rds)
  },
}

export const READ_REPLICA_SCENARIOS: Readonly<Record<string, readonly Scenario[]>> = {
  'build-read-replica': [{ steps: ['admit', 'seed', 'follow', 'finish'], ...MADE }],
  'keep-read-replica': [{ steps: ['watch'], ...MADE }],
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
