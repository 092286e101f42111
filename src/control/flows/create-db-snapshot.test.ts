/** Whose data a snapshot of a Multi-AZ instance is a copy of, on simulated engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND_MS } from '#base/durations.ts'
import type { JobView } from '#wire/agent/messages.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { commit } from '../control.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { createDbSnapshot } from '../db-snapshot/create.ts'
import { dbSnapshots, type DbSnapshotRecord } from '../db-snapshot/record.ts'
import { findEvents } from '../event/event.ts'
import type { Hosts } from '../hosts.ts'

interface Stage {
  readonly control: SimulatedControl
  /** Zones in which a copy was begun, in order. */
  readonly zones: string[]
  /** Jobs that copy never end on the hosts of these zones, unless they are cancelled. */
  readonly slow: Set<string>
  /** Whether the host of zone a says of the primary that it does not run. */
  isLost: boolean
  taken(): Promise<DbSnapshotRecord>
}

async function stage(more: Parameters<typeof newInstance>[2] = { MultiAZ: true }): Promise<Stage> {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { BackupRetentionPeriod: 0, ...more })
  const hosts = control.hosts as { -readonly [K in keyof Hosts]: Hosts[K] }
  const { startJob, job, observed, cancelJobs } = hosts
  const slow = new Set<string>()
  const running = new Map<string, JobView>()
  const self: Stage = {
    control,
    zones: [],
    slow,
    isLost: false,
    taken: async () => (await dbSnapshots(control, SCOPE).get('snap'))!.value,
  }
  hosts.startJob = async (zone, jobId, kind, input) => {
    if (kind === 'instance.snapshot') self.zones.push(zone)
    if (kind === 'instance.snapshot' && slow.has(zone))
      running.set(`${zone} ${jobId}`, { state: 'running', progress: undefined })
    else await startJob(zone, jobId, kind, input)
  }
  hosts.job = async (zone, jobId) => running.get(`${zone} ${jobId}`) ?? job(zone, jobId)
  hosts.cancelJobs = async (zone, prefix) => {
    const error = { code: 'cancelled', message: 'The job was cancelled.' } as const
    for (const key of running.keys())
      if (key.startsWith(`${zone} ${prefix}`)) running.set(key, { state: 'failed', error })
    await cancelJobs(zone, prefix)
  }
  hosts.observed = (zone, id) => {
    const instance = observed(zone, id)
    const isPrimary = instance?.replication?.role === 'primary'
    return isPrimary && zone === 'a' && self.isLost ? { ...instance, state: 'stopped', accepting: false } : instance
  }
  return self
}

const take = (control: SimulatedControl): Promise<unknown> =>
  createDbSnapshot(control, SCOPE, { DBInstanceIdentifier: 'orders', DBSnapshotIdentifier: 'snap' })

const recordOf = async (control: SimulatedControl): Promise<DbInstanceRecord> =>
  (await dbInstances(control, SCOPE).get('orders'))!.value

test('a snapshot is a copy of the standby, and of the primary where there is none that has everything', async () => {
  const { control, zones, taken } = await stage()
  await take(control)
  assert.deepEqual(zones, ['b'])
  assert.equal((await taken()).status, 'available')
  assert.equal((await recordOf(control)).phase, 'available')

  const single = await stage({ MultiAZ: false })
  await take(single.control)
  assert.deepEqual(single.zones, ['a'])

  const behind = await stage()
  const held = (await dbInstances(behind.control, SCOPE).get('orders'))!
  const standby = { zone: 'b', state: 'following' as const, joinAt: Number.MAX_SAFE_INTEGER }
  await commit(behind.control, dbInstances(behind.control, SCOPE).update(held, { ...held.value, standby }))
  await take(behind.control)
  assert.deepEqual(behind.zones, ['a'])
})

test('a standby that cannot be copied is left alone, and the primary is copied', async () => {
  const { control, zones, taken } = await stage()
  control.failingOnce = 'instance.snapshot'
  const { startJob } = control.hosts
  control.hosts.startJob = async (zone, ...rest) => {
    if (control.failingOnce) zones.push(`${zone} failed`)
    await startJob(zone, ...rest)
  }
  await take(control)
  assert.equal((await taken()).status, 'available')
  assert.deepEqual(zones, ['b failed', 'b', 'a'])
})

test('a standby that is not synchronous any more is not copied to the end', async () => {
  const { control, zones, slow, taken } = await stage()
  slow.add('b')
  const asked = take(control)
  await control.clock.advance(SECOND_MS)
  assert.deepEqual(zones, ['b'])
  assert.equal((await taken()).status, 'creating')
  const held = (await dbInstances(control, SCOPE).get('orders'))!
  const standby = { zone: 'b', state: 'following' as const, joinAt: Number.MAX_SAFE_INTEGER }
  await commit(control, dbInstances(control, SCOPE).update(held, { ...held.value, standby }))
  for (let round = 0; round < 4; round++) await control.clock.advance(SECOND_MS)
  await asked
  assert.deepEqual(zones, ['b', 'a'])
  assert.equal((await taken()).status, 'available')
})

test('a primary that is lost meanwhile ends the copy, so that the standby can take over', async () => {
  const stageOf = await stage()
  const { control, zones, slow, taken } = stageOf
  slow.add('b')
  const asked = take(control)
  await control.clock.advance(SECOND_MS)
  assert.equal((await recordOf(control)).phase, 'backing-up')
  stageOf.isLost = true
  for (let round = 0; round < 3; round++) await control.clock.advance(SECOND_MS)
  await asked
  assert.ok(!zones.includes('a'), 'nothing is begun on the dead primary')
  assert.equal((await taken()).status, 'failed')
  stageOf.isLost = false
  for (let round = 0; round < 20; round++) await control.clock.advance(SECOND_MS)
  const events = await findEvents(control, SCOPE, { from: 0, to: Number.MAX_SAFE_INTEGER, sourceId: 'orders' })
  const ids = events.map(({ id }) => id.slice(-4))
  assert.ok(ids.includes('0086'))
  assert.ok(ids.includes('0013'), 'the failover begins')
  const record = await recordOf(control)
  assert.deepEqual([record.zone, record.phase], ['b', 'available'])
})
