/**
 * Restores to every second of a run in which a Multi-AZ instance loses its primary twice: once by kill -9, once by order.
 * The log is archived from another engine, on another timeline, each time, and must have no hole and nothing twice.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBParameterGroupCommand,
  ModifyDBParameterGroupCommand,
  RebootDBInstanceCommand,
  RestoreDBInstanceToPointInTimeCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { commitTimes, openBank, readBank, startTransfers } from '../support/bank.ts'
import { connect, createInstance, deleteInstance, describe, instanceIn, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { faultsOfMoment } from './proof/moment.ts'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast({ env: { HOLDFAST_FAILOVER_PAUSE_MS: '0' } })
  rds = holdfast.rds()
  const group = { DBParameterGroupName: 'times', DBParameterGroupFamily: 'postgres18', Description: 'commit times' }
  await rds.send(new CreateDBParameterGroupCommand(group))
  const Parameters = [
    { ParameterName: 'track_commit_timestamp', ParameterValue: '1', ApplyMethod: 'pending-reboot' as const },
  ]
  await rds.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName: 'times', Parameters }))
})
after(() => discard(holdfast))

const restorableTo = (time: number): Promise<number> =>
  eventually(`a restore to ${new Date(time).toISOString()}`, async () => {
    const latest = (await describe(rds, 'bank'))?.LatestRestorableTime?.getTime()
    return latest !== undefined && latest >= time ? latest : undefined
  })

/** The host's clock is the engines' too. */
async function clock(instance: DBInstance): Promise<number> {
  const sql = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS ms'
  const [row] = await eventually('an answer', () => query<{ ms: string }>(holdfast, instance, sql))
  return Number(row!.ms)
}

const primaryIn = (zone: string): Promise<DBInstance> =>
  instanceIn(rds, 'bank', 'available', (i) => i.MultiAZ === true && i.AvailabilityZone!.endsWith(zone))

async function killPrimary(zone: string, instance: DBInstance): Promise<void> {
  const folder = join(holdfast.state, 'hosts', zone, 'instances', instance.DbiResourceId!)
  const pid = Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
  process.kill(pid, 'SIGKILL')
}

test('every second of a run with two failovers can be restored, with exactly what was committed by then', async () => {
  const instance = await createInstance(rds, 'bank', { MultiAZ: true, DBParameterGroupName: 'times' })
  const client = await connect(holdfast, instance)
  await openBank(client)
  await client.end()
  const from = Math.ceil((await restorableTo(await clock(instance))) / 1_000) * 1_000
  const traffic = startTransfers(() => connect(holdfast, instance), 2)
  await restorableTo(from + 1_000)
  await killPrimary('a', instance)
  await primaryIn('b')
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'bank', ForceFailover: true }))
  await primaryIn('a')
  const last = Math.floor((await restorableTo((await clock(instance)) + 1_000)) / 1_000) * 1_000
  await traffic.stop()
  const reader = await connect(holdfast, instance)
  const committedAt = await commitTimes(reader)
  const [{ timeline }] = (
    await reader.query<{ timeline: number }>('SELECT timeline_id AS timeline FROM pg_control_checkpoint()')
  ).rows as [{ timeline: number }]
  await reader.end()
  assert.equal(timeline, 3, 'there were two failovers')
  for (const id of traffic.acknowledged) assert.ok(committedAt.has(id), 'an acknowledged transfer is there')
  for (let time = from; time <= last; time += 1_000) {
    const TargetDBInstanceIdentifier = `bank-${time}`
    await rds.send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceIdentifier: 'bank',
        TargetDBInstanceIdentifier,
        RestoreTime: new Date(time),
        BackupTarget: 'region',
      }),
    )
    const restored = await connect(holdfast, await instanceIn(rds, TargetDBInstanceIdentifier, 'available'))
    const state = await readBank(restored)
    await restored.end()
    assert.deepEqual(faultsOfMoment({ committedAt }, time, state), [], new Date(time).toISOString())
    await deleteInstance(rds, TargetDBInstanceIdentifier)
  }
})
