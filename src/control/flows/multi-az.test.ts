/** The flows of Multi-AZ instances on simulated engines: who is primary, and what is said of the standby at each step. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#base/durations.ts'
import { together } from '#store/collection.ts'
import { commit } from '../control.ts'
import { describeInstance } from '../db-instance/describe.ts'
import { deleteDbInstance } from '../db-instance/delete.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'
import { rebootDbInstance, startDbInstance, stopDbInstance } from '../db-instance/power.ts'
import {
  dbInstances,
  keyOf,
  subjectOf,
  timerSubjectOf,
  type DbInstanceRecord,
  type Standby,
} from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { findEvents } from '../event/event.ts'
import type { JobView } from '#wire/agent/messages.ts'
import type { Hosts } from '../hosts.ts'

const recordOf = async (control: SimulatedControl, id: string): Promise<DbInstanceRecord> =>
  (await dbInstances(control, SCOPE).get(id))!.value

async function eventsOf(control: SimulatedControl): Promise<string[]> {
  const found = await findEvents(control, SCOPE, { from: 0, to: Number.MAX_SAFE_INTEGER })
  return found.filter(({ sourceType }) => sourceType === 'db-instance').map(({ id }) => id.slice(-4))
}

test('a new Multi-AZ instance is available once its standby could take over', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  const record = await recordOf(control, 'orders')
  assert.equal(record.phase, 'available')
  assert.deepEqual(record.standby, { zone: 'b', state: 'in-sync' })
  const shown = await describeInstance(control, record)
  assert.equal(shown.MultiAZ, true)
  assert.equal(shown.SecondaryAvailabilityZone, 'us-east-1b')
  assert.equal(control.hosts.observed('b', record.resourceId)?.replication?.role, 'standby')
})

test('a forced failover makes the standby the primary, and the old primary its standby', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  await rebootDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders', ForceFailover: true })
  const { flows } = control
  await settled(control)
  const record = await recordOf(control, 'orders')
  assert.equal(record.zone, 'b')
  assert.deepEqual(record.standby, { zone: 'a', state: 'in-sync' })
  assert.equal((await describeInstance(control, record)).DBInstanceStatus, 'available')
  assert.equal(control.hosts.observed('b', record.resourceId)?.replication?.role, 'primary')
  const events = await eventsOf(control)
  assert.deepEqual(
    events.filter((id) => ['0013', '0049'].includes(id)),
    ['0013', '0049'],
  )
  assert.equal(
    (await flows.list()).every(({ subject }) => subject.startsWith('db-instance-timer/')),
    true,
  )
})

test('a forced failover waits a moment for the host of the old primary, which ends in order then and follows as it is', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  let isAway = false
  const { isConnected, startJob } = control.hosts
  const jobs: string[] = []
  control.hosts.isConnected = (zone) => !(isAway && zone === 'a') && isConnected(zone)
  control.hosts.startJob = (zone, id, kind, input) => {
    jobs.push(`${kind} ${zone}`)
    return startJob.call(control.hosts, zone, id, kind, input)
  }
  const { apply } = control.endpoints
  // The decision is made; the host goes while the gateway is cut.
  control.endpoints.apply = async (route, how) => {
    if (route.state === 'cut') isAway = true
    return apply(route, how)
  }
  const asked = rebootDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders', ForceFailover: true })
  for (let round = 0; round < 10; round++) await control.clock.advance(100)
  assert.equal(isAway, true)
  assert.ok(!jobs.includes('instance.promote b'), jobs.join())
  isAway = false
  for (let round = 0; round < 20; round++) await control.clock.advance(100)
  await asked
  await settled(control)
  assert.ok(jobs.indexOf('instance.stop a') < jobs.indexOf('instance.promote b'), jobs.join())
  assert.ok(!jobs.some((job) => job.startsWith('instance.follow')), jobs.join())
  assert.deepEqual((await recordOf(control, 'orders')).standby, { zone: 'a', state: 'in-sync' })
})

test('a conversion to two copies and back leaves one copy and one port', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders')
  const modify = (MultiAZ: boolean): Promise<unknown> =>
    modifyDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders', MultiAZ, ApplyImmediately: true })
  await modify(true)
  assert.equal((await describeInstance(control, await recordOf(control, 'orders'))).MultiAZ, true)
  await modify(false)
  const record = await recordOf(control, 'orders')
  assert.equal(record.standby, undefined)
  assert.equal(control.hosts.observed('b', record.resourceId), undefined)
  const events = await eventsOf(control)
  assert.deepEqual(
    events.filter((id) => ['0024', '0025', '0029', '0030'].includes(id)),
    ['0024', '0025', '0030', '0029'],
  )
})

test('a minor upgrade reaches the standby first, which then takes over', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true, EngineVersion: '18.3' })
  const change = { DBInstanceIdentifier: 'orders', EngineVersion: '18.4', ApplyImmediately: true }
  await modifyDbInstance(control, SCOPE, change)
  await settled(control)
  const record = await recordOf(control, 'orders')
  assert.equal(record.zone, 'b')
  assert.equal(record.settings.EngineVersion, '18.4')
  assert.deepEqual(record.standby, { zone: 'a', state: 'in-sync' })
  for (const zone of ['a', 'b']) assert.equal(control.hosts.observed(zone, record.resourceId)?.version, '18.4', zone)
})

test('a standby that cannot take over with the changes is ended, and the old primary goes on without them', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true, EngineVersion: '18.3' })
  control.failing = 'instance.promote'
  await modifyDbInstance(control, SCOPE, {
    DBInstanceIdentifier: 'orders',
    EngineVersion: '18.4',
    ApplyImmediately: true,
  })
  control.failing = undefined
  await settled(control)
  const record = await recordOf(control, 'orders')
  assert.equal(record.zone, 'a')
  assert.equal(record.settings.EngineVersion, '18.3')
  assert.equal(record.phase, 'available')
  assert.deepEqual(record.standby, { zone: 'b', state: 'in-sync' })
})

test('both copies stop and start together', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  const { resourceId } = await recordOf(control, 'orders')
  const states = (): unknown[] => ['a', 'b'].map((zone) => control.hosts.observed(zone, resourceId)?.state)
  await stopDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders' })
  assert.deepEqual(states(), ['stopped', 'stopped'])
  await startDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders' })
  assert.deepEqual(states(), ['running', 'running'])
})

test('a deleted instance leaves nothing on either host', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  const { resourceId } = await recordOf(control, 'orders')
  await deleteDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders', SkipFinalSnapshot: true })
  for (const zone of ['a', 'b']) assert.equal(control.hosts.observed(zone, resourceId), undefined)
  await settled(control)
  assert.deepEqual(await control.flows.list(), [])
})

test('without a second copy there is nobody to fail over to', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders')
  await assert.rejects(rebootDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders', ForceFailover: true }), {
    name: 'InvalidParameterCombination',
  })
})

async function recover(control: SimulatedControl): Promise<void> {
  const held = (await dbInstances(control, SCOPE).get('orders'))!
  const key = keyOf(held.value)
  const input = { key, isForced: false, because: 'The test says so.' }
  const flow = control.flows.start('recover-db-instance', subjectOf(key), input)
  await commit(
    control,
    together(dbInstances(control, SCOPE).update(held, { ...held.value, phase: 'rebooting' }), flow.writes),
  )
  await inTime(control, started(control, flow.id))
}

test('a standby that cannot be promoted is ended for good, and the old primary serves again', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  control.failing = 'instance.promote'
  await inTime(control, rebootDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders', ForceFailover: true }))
  control.failing = undefined
  await settled(control)
  const record = await recordOf(control, 'orders')
  assert.equal(record.zone, 'a')
  assert.equal(record.phase, 'available')
  assert.deepEqual(record.standby, { zone: 'b', state: 'in-sync' }, 'it was made anew')
})

test('a primary whose standby does not have everything is started where it is, and commits wait for nobody', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  control.failing = 'instance.synchronize'
  const held = (await dbInstances(control, SCOPE).get('orders'))!
  const following = { ...held.value, standby: { zone: 'b', state: 'following' as const }, generation: 9 }
  await commit(control, dbInstances(control, SCOPE).update(held, following))
  await recover(control)
  const record = await recordOf(control, 'orders')
  assert.equal(record.zone, 'a')
  assert.equal(record.phase, 'available')
  assert.notEqual(record.standby!.state, 'in-sync')
  control.failing = undefined
  for (let round = 0; round < 20; round++) await control.clock.advance(10_000)
  assert.equal((await recordOf(control, 'orders')).standby!.state, 'in-sync')
})

test('an automatic failover that would follow another at once is abandoned: the primary is started where it is', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  await recover(control)
  assert.equal((await recordOf(control, 'orders')).zone, 'b')
  await settled(control)
  await recover(control)
  assert.equal((await recordOf(control, 'orders')).zone, 'b')
  assert.ok((await eventsOf(control)).includes('0034'))
})

test('a clock that was set back by an hour after a failover does not put off the next one', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  await recover(control)
  await settled(control)
  const held = (await dbInstances(control, SCOPE).get('orders'))!
  const failedOverAt = held.value.failedOverAt! + HOUR_MS
  await commit(control, dbInstances(control, SCOPE).update(held, { ...held.value, failedOverAt }))
  await recover(control)
  assert.equal((await recordOf(control, 'orders')).zone, 'a')
})

/** Writes into the record what a clock an hour ahead would have written there, before it was set back. */
async function noted(control: SimulatedControl, standby: Partial<Standby>): Promise<void> {
  const held = (await dbInstances(control, SCOPE).get('orders'))!
  const changed = { ...held.value, standby: { ...held.value.standby!, ...standby } }
  await commit(control, dbInstances(control, SCOPE).update(held, changed))
  control.flows.wakeSubjects(timerSubjectOf(keyOf(held.value), 'standby'))
}

test('a clock that was set back does not stretch the moment in which a silent standby is borne', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  const hosts = control.hosts as { -readonly [K in keyof Hosts]: Hosts[K] }
  const { observed } = hosts
  hosts.observed = (zone, id) => {
    const seen = observed(zone, id)
    return seen?.replication?.role === 'standby'
      ? { ...seen, replication: { ...seen.replication, isStreaming: false } }
      : seen
  }
  await noted(control, { troubledAt: control.clock.now() + HOUR_MS })
  for (let round = 0; round < 5; round++) await control.clock.advance(SECOND_MS)
  assert.equal((await recordOf(control, 'orders')).standby?.state, 'following')
  assert.ok((await eventsOf(control)).includes('0044'))
})

test('a clock that was set back does not put off that a standby joins again', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  await noted(control, { state: 'following', joinAt: control.clock.now() + HOUR_MS })
  await control.clock.advance(SECOND_MS)
  assert.deepEqual((await recordOf(control, 'orders')).standby, { zone: 'b', state: 'in-sync' })
})

test('a clock that jumps an hour ahead starts no failover', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  const before = (await eventsOf(control)).filter((id) => id === '0013')
  await control.clock.advance(HOUR_MS)
  await settled(control)
  const record = await recordOf(control, 'orders')
  assert.deepEqual([record.zone, record.standby], ['a', { zone: 'b', state: 'in-sync' }])
  assert.deepEqual(
    (await eventsOf(control)).filter((id) => id === '0013'),
    before,
  )
})

test('a failover that was abandoned is made up for when the primary cannot be started', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  await recover(control)
  await settled(control)
  control.failing = 'instance.restart'
  await recover(control)
  control.failing = undefined
  await settled(control)
  const record = await recordOf(control, 'orders')
  assert.equal(record.phase, 'available')
  assert.equal(record.zone, 'a')
  assert.deepEqual(record.standby, { zone: 'b', state: 'in-sync' })
  const events = await eventsOf(control)
  assert.deepEqual(
    events.filter((id) => ['0013', '0034', '0049'].includes(id)),
    ['0013', '0049', '0034', '0013', '0049'],
  )
})

test('a primary that cannot be brought back at all is failed, says why, and is tried again every minute', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true })
  const held = (await dbInstances(control, SCOPE).get('orders'))!
  control.failing = 'instance.synchronize'
  const standby = { zone: 'b', state: 'following' as const }
  await commit(control, dbInstances(control, SCOPE).update(held, { ...held.value, standby, generation: 9 }))
  control.failing = 'instance.restart'
  await recover(control)
  const record = await recordOf(control, 'orders')
  assert.equal(record.phase, 'failed')
  assert.equal(record.complaint, 'The test says so.')
  const failures = async (): Promise<number> => (await eventsOf(control)).filter((id) => id === '0031').length
  for (let minute = 0; minute < 3; minute++) await control.clock.advance(MINUTE_MS)
  await settled(control)
  assert.deepEqual([(await recordOf(control, 'orders')).phase, await failures()], ['failed', 1])
  control.failing = undefined
  await control.clock.advance(MINUTE_MS)
  await settled(control)
  const again = await recordOf(control, 'orders')
  assert.deepEqual([again.phase, again.complaint, await failures()], ['available', undefined, 1])
})

test('a standby that cannot be made is tried again after a rest', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders')
  control.failing = 'instance.snapshot'
  const asked = modifyDbInstance(control, SCOPE, {
    DBInstanceIdentifier: 'orders',
    MultiAZ: true,
    ApplyImmediately: true,
  })
  for (let round = 0; round < 60; round++) await control.clock.advance(10_000)
  assert.equal((await recordOf(control, 'orders')).phase, 'modifying')
  control.failing = undefined
  await inTime(control, asked)
  assert.deepEqual((await recordOf(control, 'orders')).standby, { zone: 'b', state: 'in-sync' })
})

test('a standby whose copy was used up is made from another one', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders')
  const { startJob } = control.hosts
  let isFirst = true
  control.hosts.startJob = async (zone, jobId, kind, input) => {
    if (kind === 'instance.follow' && isFirst) {
      isFirst = false
      control.failOnce = 'snapshot-missing'
    }
    await startJob(zone, jobId, kind, input)
  }
  await modifyDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders', MultiAZ: true, ApplyImmediately: true })
  assert.equal(isFirst, false)
  assert.deepEqual((await recordOf(control, 'orders')).standby, { zone: 'b', state: 'in-sync' })
})

/** The standby says so, from now on. */
async function obstructed(control: SimulatedControl): Promise<() => Promise<void>> {
  const { observed } = control.hosts
  const lacking = { role: 'standby', isStreaming: false, sourceAnswers: true, obstacle: 'log-removed' } as const
  control.hosts.observed = (zone, id) => {
    const seen = observed.call(control.hosts, zone, id)
    return seen && zone === 'b' ? { ...seen, replication: lacking } : seen
  }
  return async () => {
    control.hosts.observed = observed
    for (let round = 0; round < 10; round++) await control.clock.advance(30_000)
  }
}

function askedOf(control: SimulatedControl, answer?: JobView): string[] {
  const { startJob, job } = control.hosts
  const asked: string[] = []
  control.hosts.startJob = (zone, jobId, kind, input) => {
    asked.push(kind)
    return startJob.call(control.hosts, zone, jobId, kind, input)
  }
  control.hosts.job = async (zone, jobId) => {
    if (!answer || !jobId.includes('/catch-up-')) return job.call(control.hosts, zone, jobId)
    asked.push('instance.catch-up')
    return answer
  }
  return asked
}

test('a standby whose primary has removed log is given it out of the archive, and is not made anew', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { MultiAZ: true, BackupRetentionPeriod: 1 })
  const asked = askedOf(control, { state: 'succeeded', result: { isStreaming: true, isFurther: true } })
  const clear = await obstructed(control)
  for (let round = 0; round < 60; round++) await control.clock.advance(1_000)
  await clear()
  assert.deepEqual((await recordOf(control, 'orders')).standby, { zone: 'b', state: 'in-sync' })
  assert.deepEqual([asked.includes('instance.catch-up'), asked.includes('instance.follow')], [true, false])
})

test('one that the archive does not help, or that does not come on, is made anew', async () => {
  for (const answer of [undefined, { state: 'succeeded', result: { isStreaming: false, isFurther: false } }] as const) {
    const control = await simulatedControl()
    await newInstance(control, 'orders', { MultiAZ: true, BackupRetentionPeriod: 1 })
    const asked = askedOf(control, answer)
    const clear = await obstructed(control)
    for (let round = 0; round < 60; round++) await control.clock.advance(1_000)
    await clear()
    assert.deepEqual((await recordOf(control, 'orders')).standby, { zone: 'b', state: 'in-sync' })
    assert.deepEqual([asked.includes('instance.catch-up'), asked.includes('instance.follow')], [true, true])
  }
})

/** Lets flows that nobody waits for come to rest. */
async function settled(control: SimulatedControl): Promise<void> {
  for (let round = 0; round < 20; round++) await control.clock.advance(0)
}
