/** What becomes of read replicas, on simulated engines and a simulated clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'
import type { JobError } from '#wire/agent/messages.ts'
import type { ObservedStandby } from '#wire/agent/replication.ts'
import type { DBInstance } from '@aws-sdk/client-rds'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import type { Scope } from '../control.ts'
import { deleteDbInstance } from '../db-instance/delete.ts'
import { describeInstance } from '../db-instance/describe.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { findEvents } from '../event/event.ts'
import type { Hosts } from '../hosts.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { archiveOf } from './archive-of.ts'
import { createReadReplica } from './create.ts'
import { promoteReadReplica } from './promote.ts'
import { replicasOf } from './replicas.ts'

const WEST: Scope = { ...SCOPE, region: 'us-west-2' }
const PAST_THE_LOOK_MS = 2 * MINUTE_MS

interface Stage {
  readonly control: SimulatedControl
  /** What agents say of every replica from now on; undefined: the truth. */
  see(standby: Omit<ObservedStandby, 'role'> | undefined): Promise<void>
}

async function stage(): Promise<Stage> {
  const control = await simulatedControl()
  const hosts = control.hosts as { -readonly [K in keyof Hosts]: Hosts[K] }
  const truth = hosts.observed
  let seen: ObservedStandby | undefined
  hosts.observed = (zone, id) => {
    const instance = truth(zone, id)
    return instance?.replication?.role === 'standby' && seen ? { ...instance, replication: seen } : instance
  }
  await newInstance(control, 'orders', { BackupRetentionPeriod: 1 })
  return {
    control,
    see: async (standby) => {
      seen = standby && { role: 'standby', ...standby }
      control.flows.wakeSubjects('db-instance-timer/')
      await control.clock.advance(SECOND_MS)
    },
  }
}

const replicate = (
  control: SimulatedControl,
  id: string,
  source = 'orders',
  scope: Scope = SCOPE,
): Promise<DbInstanceRecord> =>
  createReadReplica(control, scope, { DBInstanceIdentifier: id, SourceDBInstanceIdentifier: source })

const read = async (control: SimulatedControl, id: string, scope: Scope = SCOPE): Promise<DbInstanceRecord> =>
  (await dbInstances(control, scope).get(id))!.value

const shown = async (control: SimulatedControl, id: string, scope: Scope = SCOPE): Promise<DBInstance> =>
  describeInstance(control, await read(control, id, scope))

async function eventsOf(control: SimulatedControl, sourceId: string, scope: Scope = SCOPE): Promise<string[]> {
  const found = await findEvents(control, scope, { from: 0, to: Number.MAX_SAFE_INTEGER, sourceId })
  return found.map(({ id }) => id.slice('RDS-EVENT-'.length)).filter((id) => /^00(45|46|57)$|^0202$/.test(id))
}

test('a replica replicates, and both instances name the other', async () => {
  const { control } = await stage()
  await replicate(control, 'copy')
  await control.clock.advance(SECOND_MS)
  const copy = await shown(control, 'copy')
  assert.equal(copy.DBInstanceStatus, 'available')
  assert.equal(copy.ReadReplicaSourceDBInstanceIdentifier, 'orders')
  assert.deepEqual(copy.StatusInfos, [{ StatusType: 'read replication', Normal: true, Status: 'replicating' }])
  assert.deepEqual((await shown(control, 'orders')).ReadReplicaDBInstanceIdentifiers, ['copy'])
  assert.deepEqual(await eventsOf(control, 'copy'), ['0046'])
  assert.deepEqual(control.log.complaints, [])
})

test('that replication stops and resumes is told once each, and shown', async () => {
  const { control, see } = await stage()
  await replicate(control, 'copy')
  await see({ isStreaming: false, sourceAnswers: false })
  await control.clock.advance(PAST_THE_LOOK_MS)
  assert.equal((await shown(control, 'copy')).StatusInfos![0]!.Status, 'error')
  assert.deepEqual(await eventsOf(control, 'copy'), ['0046', '0045'])
  await see(undefined)
  await control.clock.advance(PAST_THE_LOOK_MS)
  assert.equal((await shown(control, 'copy')).StatusInfos![0]!.Status, 'replicating')
  assert.deepEqual(await eventsOf(control, 'copy'), ['0046', '0045', '0046'])
})

test('a replica that has diverged is made anew', async () => {
  const { control, see } = await stage()
  await replicate(control, 'copy')
  await see({ isStreaming: false, sourceAnswers: true, obstacle: 'diverged' })
  assert.match((await shown(control, 'copy')).StatusInfos![0]!.Message!, /not a past state/)
  assert.equal((await read(control, 'copy')).replica!.rebuiltAt, undefined)
  await control.clock.advance(4 * SECOND_MS)
  const { replica, phase } = await read(control, 'copy')
  assert.ok(replica!.rebuiltAt)
  assert.equal(phase, 'modifying', 'it is waited for until it streams')
  await see(undefined)
  assert.equal((await read(control, 'copy')).phase, 'available')
  assert.equal((await read(control, 'copy')).replica!.seedId, undefined)
})

/** Kinds of the jobs that are asked for from now on. */
function jobsOf(control: SimulatedControl): string[] {
  const hosts = control.hosts as { -readonly [K in keyof Hosts]: Hosts[K] }
  const asked: string[] = []
  const startJob = hosts.startJob.bind(hosts)
  hosts.startJob = (zone, jobId, kind, input) => {
    asked.push(kind)
    return startJob(zone, jobId, kind, input)
  }
  return asked
}

test('a replica whose source has removed log is given it out of the archive, once the source keeps what follows', async () => {
  const { control, see } = await stage()
  await replicate(control, 'copy')
  await control.clock.advance(SECOND_MS)
  const asked = jobsOf(control)
  const hosts = control.hosts as { -readonly [K in keyof Hosts]: Hosts[K] }
  const truth = hosts.job
  hosts.job = async (zone, jobId) =>
    jobId.includes('/catch-up-')
      ? { state: 'succeeded', result: { isStreaming: true, isFurther: true } }
      : truth(zone, jobId)
  await see({ isStreaming: false, sourceAnswers: true, obstacle: 'log-removed' })
  await control.clock.advance(4 * SECOND_MS)
  assert.equal((await read(control, 'copy')).replica!.catchUps, 1)
  await see(undefined)
  const { phase, replica } = await read(control, 'copy')
  assert.deepEqual([phase, replica!.state, replica!.rebuiltAt], ['available', 'replicating', undefined])
  assert.deepEqual(asked, ['instance.reload'], 'the source has its slot again, and nothing was copied')
})

test('one that the archive does not help is made anew', async () => {
  const { control, see } = await stage()
  await replicate(control, 'copy')
  await control.clock.advance(SECOND_MS)
  const asked = jobsOf(control)
  await see({ isStreaming: false, sourceAnswers: true, obstacle: 'log-removed' })
  await control.clock.advance(4 * SECOND_MS)
  assert.ok((await read(control, 'copy')).replica!.rebuiltAt)
  assert.deepEqual(asked.slice(0, 4), ['instance.reload', 'instance.catch-up', 'instance.reload', 'instance.snapshot'])
})

test('a replica that is held up is waited for, and not for ever', async () => {
  const { control, see } = await stage()
  await replicate(control, 'copy')
  await control.clock.advance(SECOND_MS)
  const hosts = control.hosts as { -readonly [K in keyof Hosts]: Hosts[K] }
  const truth = hosts.job
  const result = { isStreaming: false, isFurther: false }
  hosts.job = async (zone, jobId) =>
    jobId.includes('/catch-up-') ? { state: 'succeeded', result } : truth(zone, jobId)
  await see({ isStreaming: false, sourceAnswers: true, obstacle: 'log-removed' })
  await control.clock.advance(MINUTE_MS)
  const { replica } = await read(control, 'copy')
  assert.ok(replica!.vainCatchUps! > 5)
  assert.equal(replica!.rebuiltAt, undefined)
  await control.clock.advance(5 * MINUTE_MS)
  assert.ok((await read(control, 'copy')).replica!.rebuiltAt)
})

test('what may pass is tried again, without a copy; a disk without room for log has none for a copy either', async () => {
  const { control, see } = await stage()
  await replicate(control, 'copy')
  await control.clock.advance(SECOND_MS)
  const hosts = control.hosts as { -readonly [K in keyof Hosts]: Hosts[K] }
  const truth = hosts.job
  const failWith = (error: JobError): void => {
    hosts.job = async (zone, jobId) => (jobId.includes('/catch-up-') ? { state: 'failed', error } : truth(zone, jobId))
  }
  failWith({ code: 'disk-full', message: 'ENOSPC' })
  await see({ isStreaming: false, sourceAnswers: true, obstacle: 'log-removed' })
  await control.clock.advance(MINUTE_MS)
  const { replica } = await read(control, 'copy')
  assert.ok(replica!.catchUps! > 5)
  assert.equal(replica!.rebuiltAt, undefined)
  failWith({ code: 'failed', message: 'the archive is out of reach' })
  await control.clock.advance(4 * SECOND_MS)
  assert.equal((await read(control, 'copy')).replica!.rebuiltAt, undefined)
  await control.clock.advance(MINUTE_MS)
  assert.ok((await read(control, 'copy')).replica!.rebuiltAt, 'not for ever')
})

test('the archive of a replica of a replica is that of the first source, as long as the log comes from there', async () => {
  const { control, see } = await stage()
  await replicate(control, 'copy')
  await control.clock.advance(SECOND_MS)
  const [origin, copy] = [await read(control, 'orders'), await read(control, 'copy')]
  assert.equal(await archiveOf(control, origin), archivePrefix(origin))
  assert.equal(await archiveOf(control, copy), archivePrefix(origin))
  await see({ isStreaming: false, sourceAnswers: true })
  assert.equal(await archiveOf(control, copy), undefined)
})

test('a rebuild that takes the copy away and fails is tried again after a while', async () => {
  const { control, see } = await stage()
  await replicate(control, 'copy')
  await control.clock.advance(SECOND_MS)
  control.failing = 'instance.snapshot'
  await see({ isStreaming: false, sourceAnswers: true, obstacle: 'log-removed' })
  await control.clock.advance(3 * MINUTE_MS)
  // The copy could not be taken: what there was goes on serving.
  assert.notEqual((await read(control, 'copy')).replica!.state, 'lost')
  assert.ok((await eventsOf(control, 'copy')).includes('0202'))
  control.failing = undefined
  await control.clock.advance(2 * MINUTE_MS)
  await see(undefined)
  await control.clock.advance(PAST_THE_LOOK_MS)
  const copy = await read(control, 'copy')
  assert.deepEqual([copy.phase, copy.replica!.state, copy.complaint], ['available', 'replicating', undefined])
})

test('a replica that lacks room is restarted', async () => {
  const { control, see } = await stage()
  await replicate(control, 'copy')
  await control.clock.advance(SECOND_MS)
  await see({ isStreaming: true, sourceAnswers: true, obstacle: 'settings' })
  const found = await findEvents(control, SCOPE, { from: 0, to: Number.MAX_SAFE_INTEGER, sourceId: 'copy' })
  assert.ok(found.some(({ id }) => id === 'RDS-EVENT-0006'))
})

test('a promoted replica is an instance with backups; its source forgets it', async () => {
  const { control } = await stage()
  await replicate(control, 'copy')
  const source = await read(control, 'orders')
  await promoteReadReplica(control, SCOPE, { DBInstanceIdentifier: 'copy' })
  const copy = await shown(control, 'copy')
  assert.equal(copy.ReadReplicaSourceDBInstanceIdentifier, undefined)
  assert.equal(copy.BackupRetentionPeriod, 1)
  assert.deepEqual(copy.StatusInfos, [])
  assert.deepEqual(await replicasOf(control, source), [])
  await assert.rejects(promoteReadReplica(control, SCOPE, { DBInstanceIdentifier: 'copy' }), /not a read replica/)
  await control.clock.advance(PAST_THE_LOOK_MS)
  assert.ok((await control.flows.list()).every(({ name }) => name !== 'keep-read-replica'))
})

test('a replica that could not be promoted is left as it is, and can be promoted later', async () => {
  const { control } = await stage()
  await replicate(control, 'copy')
  control.failing = 'instance.promote'
  const promotion = promoteReadReplica(control, SCOPE, { DBInstanceIdentifier: 'copy' })
  await control.clock.advance(5 * MINUTE_MS)
  await promotion
  const left = await read(control, 'copy')
  assert.deepEqual([left.phase, left.replica?.rebuiltAt], ['failed', undefined], 'it may have taken writes')
  control.failing = undefined
  await promoteReadReplica(control, SCOPE, { DBInstanceIdentifier: 'copy' })
  assert.equal((await read(control, 'copy')).replica, undefined)
})

test('of the replicas of a deleted source, those in its region are promoted; others are terminated until they are', async () => {
  const { control } = await stage()
  await replicate(control, 'near')
  await replicate(control, 'far', (await shown(control, 'orders')).DBInstanceArn, WEST)
  await control.clock.advance(SECOND_MS)
  await deleteDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders', SkipFinalSnapshot: true })
  await control.clock.advance(PAST_THE_LOOK_MS)
  const near = await read(control, 'near')
  assert.deepEqual([near.replica, near.phase], [undefined, 'available'])
  const far = await shown(control, 'far', WEST)
  assert.equal(far.StatusInfos![0]!.Status, 'terminated')
  assert.deepEqual(await eventsOf(control, 'far', WEST), ['0046', '0057'])
  await promoteReadReplica(control, WEST, { DBInstanceIdentifier: 'far' })
  assert.equal((await read(control, 'far', WEST)).replica, undefined)
  assert.deepEqual(await control.store.range('read-replica/').then(({ entries }) => entries), [])
})

test('a deleted replica leaves its source alone', async () => {
  const { control } = await stage()
  await replicate(control, 'copy')
  await deleteDbInstance(control, SCOPE, { DBInstanceIdentifier: 'copy', SkipFinalSnapshot: true })
  assert.deepEqual((await shown(control, 'orders')).ReadReplicaDBInstanceIdentifiers, [])
  assert.equal((await shown(control, 'orders')).DBInstanceStatus, 'available')
})

test('a source has fifteen replicas at most', async () => {
  const { control } = await stage()
  for (let n = 1; n <= 15; n++) await replicate(control, `copy-${n}`)
  await assert.rejects(replicate(control, 'copy-16'), { name: 'InstanceQuotaExceededFault' })
})

test('a chain has three replicas at most, in two regions', async () => {
  const { control } = await stage()
  const keep = (id: string, scope: Scope = SCOPE): Promise<unknown> =>
    modifyDbInstance(control, scope, { DBInstanceIdentifier: id, BackupRetentionPeriod: 1, ApplyImmediately: true })
  await replicate(control, 'one')
  await keep('one')
  const { DBInstanceArn } = await shown(control, 'one')
  await replicate(control, 'two', DBInstanceArn, WEST)
  await keep('two', WEST)
  const arn = (await shown(control, 'two', WEST)).DBInstanceArn!
  await assert.rejects(replicate(control, 'three', arn, { ...SCOPE, region: 'eu-west-1' }), /2 regions/)
  await replicate(control, 'three', arn, WEST)
  await keep('three', WEST)
  await assert.rejects(replicate(control, 'four', 'three', WEST), /3 levels/)
})

test('a source is upgraded after its replicas', async () => {
  const { control } = await stage()
  await newInstance(control, 'old', { EngineVersion: '18.3', BackupRetentionPeriod: 1 })
  await replicate(control, 'copy', 'old')
  const upgrade = (id: string): Promise<unknown> =>
    modifyDbInstance(control, SCOPE, { DBInstanceIdentifier: id, EngineVersion: '18.4', ApplyImmediately: true })
  await assert.rejects(upgrade('old'), { name: 'DBUpgradeDependencyFailureFault', message: /copy/ })
  await upgrade('copy')
  await upgrade('old')
  assert.equal((await read(control, 'old')).settings.EngineVersion, '18.4')
})
