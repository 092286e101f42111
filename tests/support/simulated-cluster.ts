/** DB clusters on simulated engines: made, looked at and left to themselves, without the API's door. */
import assert from 'node:assert/strict'
import type { CreateDBClusterMessage } from '@aws-sdk/client-rds'
import { createDbCluster } from '#control/db-cluster/create.ts'
import { dbClusters, type DbClusterRecord } from '#control/db-cluster/record.ts'
import { findEvents } from '#control/event/event.ts'
import { SCOPE } from './control.ts'
import type { SimulatedControl } from './simulated-control.ts'

export const newCluster = (
  control: SimulatedControl,
  id: string,
  more: Partial<CreateDBClusterMessage> = {},
): Promise<DbClusterRecord> =>
  createDbCluster(control, SCOPE, {
    DBClusterIdentifier: id,
    Engine: 'postgres',
    DBClusterInstanceClass: 'db.m6gd.large',
    AllocatedStorage: 100,
    Iops: 1000,
    MasterUsername: 'app',
    MasterUserPassword: 'correct-horse-battery',
    // Few tests are about backups, whose jobs would be seen by the others.
    BackupRetentionPeriod: 0,
    ...more,
  } as Parameters<typeof createDbCluster>[2])

export const clusterOf = async (control: SimulatedControl, id = 'orders'): Promise<DbClusterRecord> =>
  (await dbClusters(control, SCOPE).get(id))!.value

export const rolesOf = (control: SimulatedControl, { members }: DbClusterRecord): (string | undefined)[] =>
  members.map(({ zone, resourceId }) => control.hosts.observed(zone, resourceId)?.replication?.role)

export async function eventsOf(control: SimulatedControl, sourceType: string): Promise<string[]> {
  const found = await findEvents(control, SCOPE, { from: 0, to: Number.MAX_SAFE_INTEGER })
  return found.filter((event) => event.sourceType === sourceType).map(({ id }) => id.slice(-4))
}

/** Lets flows that nobody waits for come to rest. */
export async function settled(control: SimulatedControl): Promise<void> {
  for (let round = 0; round < 30; round++) await control.clock.advance(0)
}

/** Lets the keeper do its work, rests included. */
export async function kept(control: SimulatedControl): Promise<DbClusterRecord> {
  for (let round = 0; round < 30; round++) await control.clock.advance(10_000)
  return clusterOf(control)
}

export const isWholeAgain = ({ writer, electorate, awaited, isSealed, candidate, members }: DbClusterRecord): void => {
  assert.equal(electorate.length, 2)
  assert.deepEqual([...awaited].sort(), [...electorate].sort())
  assert.equal(electorate.includes(writer), false)
  assert.equal(isSealed, false)
  assert.equal(candidate, undefined)
  assert.ok(members.every(({ state, seedId }) => state === 'following' && seedId === undefined))
}
