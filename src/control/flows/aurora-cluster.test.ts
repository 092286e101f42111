/** Aurora clusters on simulated engines: their flows, and what users see of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DBClusterEndpoint } from '@aws-sdk/client-rds'
import { DAY_MS } from '#base/durations.ts'
import type { JobKinds } from '#wire/agent/messages.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import {
  addInstance,
  auroraWith,
  auroraOf,
  clusterShown,
  instanceShown,
  jobsOf,
  keptAurora,
  newAurora,
  reached,
  volumeOf,
  writerOf,
} from '../../../tests/support/simulated-aurora.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { eventsOf } from '../../../tests/support/simulated-cluster.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { createClusterEndpoint, deleteClusterEndpoint, modifyClusterEndpoint } from '../aurora-cluster/endpoints.ts'
import { auroraClusters, auroraKeyOf, auroraSubjectOf } from '../aurora-cluster/record.ts'
import { listClusterEndpoints } from '../cluster/list.ts'
import { changeInstance } from '../cluster/member-verbs.ts'
import { changeCluster } from '../cluster/verbs.ts'
import { commit } from '../control.ts'
import type { Hosts } from '../hosts.ts'
import { dbInstances } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { createParameterGroup } from '../parameter-group/parameter-groups.ts'
import { reset } from '../reset/reset.ts'
import { volumes } from '../volume/record.ts'

const NAMED = { DBClusterIdentifier: 'shop' }

const failover = (control: SimulatedControl, TargetDBInstanceIdentifier?: string): Promise<unknown> =>
  inTime(control, changeCluster(control, SCOPE, 'failover', { ...NAMED, TargetDBInstanceIdentifier }))

const remove = (control: SimulatedControl, DBInstanceIdentifier: string): Promise<unknown> =>
  inTime(control, changeInstance(control, SCOPE, 'delete', { DBInstanceIdentifier }))

const statusesOf = async (control: SimulatedControl): Promise<string[]> => {
  const { members } = await auroraOf(control)
  return Promise.all(members.map(async ({ id }) => (await instanceShown(control, id)).DBInstanceStatus!))
}

test('a new cluster has a volume and addresses, and no instance', async () => {
  const control = await auroraWith([])
  const shown = await clusterShown(control)
  assert.equal(shown.Status, 'available')
  assert.deepEqual(shown.DBClusterMembers, [])
  assert.deepEqual([shown.StorageType, shown.AllocatedStorage, shown.EngineMode], ['aurora', 1, 'provisioned'])
  assert.ok(shown.Endpoint !== undefined && shown.ReaderEndpoint !== undefined)
  assert.equal(shown.DBClusterParameterGroup, 'default.aurora-postgresql18')
  assert.equal(shown.MultiAZ, false)
  assert.equal((await volumeOf(control)).writer, undefined)
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170'])
})

test('the first instance writes, and those after it read, each in the emptiest zone', async () => {
  const control = await auroraWith(['one', 'two', 'three', 'four'])
  const shown = await clusterShown(control)
  assert.deepEqual(
    shown.DBClusterMembers!.map((member) => [
      member.DBInstanceIdentifier,
      member.IsClusterWriter,
      member.PromotionTier,
    ]),
    [
      ['one', true, 1],
      ['two', false, 1],
      ['three', false, 1],
      ['four', false, 1],
    ],
  )
  const { members, resourceId } = await auroraOf(control)
  assert.deepEqual(
    members.map(({ zone }) => zone),
    ['a', 'b', 'c', 'a'],
  )
  assert.deepEqual(await statusesOf(control), ['available', 'available', 'available', 'available'])
  assert.equal(shown.MultiAZ, true)
  await keptAurora(control)
  assert.deepEqual(await reached(control, resourceId), ['one'])
  assert.deepEqual(await reached(control, `${resourceId}-ro`), ['two', 'three', 'four'])
})

test('every start of a writer takes an epoch of the volume', async () => {
  const control = await auroraWith(['one', 'two'])
  const [one, two] = (await auroraOf(control)).members
  const first = await volumeOf(control)
  assert.deepEqual([first.epoch, first.writer], [2, one!.resourceId])
  await failover(control)
  const second = await volumeOf(control)
  assert.deepEqual([second.epoch, second.writer], [3, two!.resourceId])
  await inTime(control, changeInstance(control, SCOPE, 'reboot', { DBInstanceIdentifier: 'two' }))
  const third = await volumeOf(control)
  assert.deepEqual([third.epoch, third.writer], [4, two!.resourceId])
})

test('an instance shows what it has of its own and of its cluster', async () => {
  const control = await simulatedControl()
  await newAurora(control, 'shop', { BackupRetentionPeriod: 7, DatabaseName: 'goods' })
  await addInstance(control, 'one', { PromotionTier: 0, AvailabilityZone: 'us-east-1c' })
  const shown = await instanceShown(control, 'one')
  assert.equal(shown.Engine, 'aurora-postgresql')
  assert.equal(shown.DBClusterIdentifier, 'shop')
  assert.equal(shown.PromotionTier, 0)
  assert.equal(shown.AvailabilityZone, 'us-east-1c')
  assert.deepEqual([shown.StorageType, shown.AllocatedStorage, shown.MultiAZ], ['aurora', 1, false])
  assert.equal(shown.BackupRetentionPeriod, 7)
  assert.equal(shown.DBName, 'goods')
  assert.equal(shown.DBParameterGroups![0]!.DBParameterGroupName, 'default.aurora-postgresql18')
  assert.equal(shown.MasterUserSecret, undefined)
})

test('a failover goes to the lowest tier, and the old writer comes back as a reader', async () => {
  const control = await auroraWith(['one'])
  await addInstance(control, 'big', { DBInstanceClass: 'db.r6g.4xlarge', PromotionTier: 2 })
  await addInstance(control, 'small', { PromotionTier: 0 })
  await failover(control)
  assert.equal(await writerOf(control), 'small')
  assert.deepEqual(await statusesOf(control), ['available', 'available', 'available'])
  assert.equal((await clusterShown(control)).Status, 'available')
  await keptAurora(control)
  const { resourceId } = await auroraOf(control)
  assert.deepEqual(await reached(control, resourceId), ['small'])
  assert.deepEqual((await reached(control, `${resourceId}-ro`)).sort(), ['big', 'one'])
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170', '0073', '0071'])
})

test('a failover within a zone is told as such, and one that is asked for goes where it is asked to go', async () => {
  const control = await auroraWith(['one', 'two'])
  await addInstance(control, 'near', { AvailabilityZone: 'us-east-1a', PromotionTier: 15 })
  await failover(control, 'near')
  assert.equal(await writerOf(control), 'near')
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170', '0072', '0071'])
  await assert.rejects(failover(control, 'near'), { name: 'InvalidParameterCombination' })
  await assert.rejects(failover(control, 'nobody'), { name: 'InvalidParameterCombination' })
})

test('a cluster without a reader refuses a failover', async () => {
  const control = await auroraWith(['one'])
  await assert.rejects(failover(control), { name: 'InvalidDBClusterStateFault' })
  assert.equal((await clusterShown(control)).Status, 'available')
})

/** As the keeper does when the writer is gone. */
async function recover(control: SimulatedControl): Promise<void> {
  const held = (await auroraClusters(control, SCOPE).get('shop'))!
  const key = auroraKeyOf(held.value)
  const input = { key, why: 'recover', because: 'The test says so.' }
  const flow = control.flows.start('start-aurora-writer', auroraSubjectOf(key), input)
  await commit(control, flow.writes)
  await inTime(control, started(control, flow.id))
}

test('a writer that is lost is replaced by a reader, and a lone one is started again where it is', async () => {
  const control = await auroraWith(['one'])
  await recover(control)
  assert.equal(await writerOf(control), 'one')
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170'])
  await addInstance(control, 'two')
  await recover(control)
  assert.equal(await writerOf(control), 'two')
  assert.deepEqual(await statusesOf(control), ['available', 'available'])
})

test('a promotion that fails is begun again in an epoch of its own', async () => {
  const control = await auroraWith(['one', 'two'])
  control.failingOnce = 'instance.lead'
  await failover(control, 'two')
  assert.equal(await writerOf(control), 'two')
  assert.equal((await volumeOf(control)).epoch, 3, 'the step was run again, and not the flow')
})

test('a next writer that is no past state of the volume is made anew of an image, and writes in another epoch', async () => {
  const control = await auroraWith(['one', 'two'])
  control.failingOnce = 'instance.lead'
  control.failingWith = 'diverged'
  const attached = jobsOf(control, 'instance.attach')
  await failover(control, 'two')
  assert.equal(await writerOf(control), 'two')
  assert.equal((await volumeOf(control)).epoch, 4)
  const [made] = attached.filter(({ image }) => image)
  const { resourceId } = (await auroraOf(control)).members[1]!
  assert.equal(made!.spec.id, resourceId)
  assert.equal(made!.image!.snapshotId, (await volumeOf(control)).seed!.imageId)
  assert.equal(made!.spec.volume!.isOpen, false, 'nobody is let in before it writes')
})

test('a reader that is rebooted is restarted, and one whose settings changed too', async () => {
  const control = await auroraWith(['one', 'two'])
  const restarted = jobsOf(control, 'instance.restart')
  await inTime(control, changeInstance(control, SCOPE, 'reboot', { DBInstanceIdentifier: 'two' }))
  const bigger = { DBInstanceIdentifier: 'two', DBInstanceClass: 'db.r6g.xlarge', ApplyImmediately: true }
  await inTime(control, changeInstance(control, SCOPE, 'modify', bigger))
  assert.equal(restarted.length, 2)
  assert.ok(restarted[1]!.spec.capacity.vcpus > restarted[0]!.spec.capacity.vcpus)
  assert.equal(restarted[1]!.spec.volume!.role, 'reader')
})

test('a reader is not there before it receives the log', async () => {
  const control = await auroraWith(['one'])
  const { observed } = control.hosts
  const hosts = control.hosts as { observed: Hosts['observed'] }
  let isDeaf = true
  hosts.observed = (zone, id) => {
    const seen = observed(zone, id)
    return isDeaf && seen?.volume ? { ...seen, volume: { ...seen.volume, isStreaming: false } } : seen
  }
  const added = addInstance(control, 'two')
  await control.clock.advance(5000)
  assert.equal((await instanceShown(control, 'two')).DBInstanceStatus, 'creating')
  isDeaf = false
  await added
  assert.deepEqual(await statusesOf(control), ['available', 'available'])
})

test('who leads is told its epoch, who has the copies, and where; agents refuse orders of before', async () => {
  const control = await auroraWith(['one', 'two'])
  const led = jobsOf(control, 'instance.lead')
  await failover(control, 'two')
  const [{ spec }] = led as [JobKinds['instance.lead']['input']]
  const volume = await volumeOf(control)
  assert.deepEqual([spec.generation, spec.volume!.head!.epoch, spec.volume!.role], [3, 3, 'writer'])
  assert.deepEqual(spec.volume!.head!.configuration, {
    generation: 1,
    members: volume.configuration.members.map(({ id }) => id),
  })
  assert.equal(spec.replication, undefined)
})

test('a writer that is deleted hands over first; the last instance leaves the volume to the next', async () => {
  const control = await auroraWith(['one', 'two'])
  await remove(control, 'one')
  assert.equal(await writerOf(control), 'two')
  await remove(control, 'two')
  const shown = await clusterShown(control)
  assert.deepEqual([shown.Status, shown.DBClusterMembers], ['available', []])
  const atRest = await volumeOf(control)
  assert.equal(atRest.writer, undefined)
  assert.deepEqual(await dbInstances(control, SCOPE).list(), [])
  await addInstance(control, 'again')
  assert.equal(await writerOf(control), 'again')
  assert.ok((await volumeOf(control)).epoch > atRest.epoch)
})

test('a cluster is deleted when its instances are gone, and leaves nothing', async () => {
  const control = await auroraWith(['one'])
  const asked = { ...NAMED, SkipFinalSnapshot: true }
  await assert.rejects(changeCluster(control, SCOPE, 'delete', asked), {
    name: 'InvalidDBClusterStateFault',
    message: 'Cluster cannot be deleted, it still contains DB instances in non-deleting state.',
  })
  const { resourceId } = await auroraOf(control)
  await remove(control, 'one')
  await inTime(control, changeCluster(control, SCOPE, 'delete', asked))
  await keptAurora(control)
  assert.deepEqual(await auroraClusters(control, SCOPE).list(), [])
  assert.deepEqual(await volumes(control, SCOPE).list(), [])
  assert.deepEqual(await control.flows.list(), [])
  for (const id of [resourceId, `${resourceId}-ro`]) assert.equal(control.endpoints.observed(id), undefined)
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170', '0171'])
})

test('a reset takes the gateways of a cluster that has lost its last instance', async () => {
  const control = await auroraWith(['one'])
  const { resourceId } = await auroraOf(control)
  await remove(control, 'one')
  assert.equal(control.endpoints.observed(resourceId)?.state, 'cut', 'whoever comes is kept waiting')
  await inTime(control, reset(control))
  assert.equal(control.endpoints.observed(resourceId), undefined)
  assert.deepEqual(await auroraClusters(control, SCOPE).list(), [])
})

test('a stopped cluster is at rest with all of its instances, and starts with the same writer', async () => {
  const control = await auroraWith(['one', 'two'])
  await inTime(control, changeCluster(control, SCOPE, 'stop', NAMED))
  const stopped = await clusterShown(control)
  assert.equal(stopped.Status, 'stopped')
  assert.ok(stopped.AutomaticRestartTime)
  assert.deepEqual(await statusesOf(control), ['stopped', 'stopped'])
  assert.equal((await volumeOf(control)).writer, undefined)
  const { resourceId } = await auroraOf(control)
  assert.deepEqual(await reached(control, resourceId), [])
  await assert.rejects(addInstance(control, 'three'), { name: 'InvalidDBClusterStateFault' })
  await inTime(control, changeCluster(control, SCOPE, 'start', NAMED))
  assert.equal((await clusterShown(control)).Status, 'available')
  assert.deepEqual(await statusesOf(control), ['available', 'available'])
  assert.equal(await writerOf(control), 'one')
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170', '0150', '0151'])
})

test('a stopped cluster starts by itself after seven days', async () => {
  const control = await auroraWith(['one'])
  await inTime(control, changeCluster(control, SCOPE, 'stop', NAMED))
  const { AutomaticRestartTime } = await clusterShown(control)
  const held = (await auroraClusters(control, SCOPE).get('shop'))!
  assert.equal(AutomaticRestartTime!.getTime() - held.value.stoppedAt!, 7 * DAY_MS)
  await keptAurora(control)
  assert.equal((await clusterShown(control)).Status, 'stopped')
  const stoppedAt = control.clock.now() - 7 * DAY_MS
  await commit(control, auroraClusters(control, SCOPE).update(held, { ...held.value, stoppedAt }))
  control.flows.wakeSubjects('')
  await keptAurora(control)
  assert.equal((await clusterShown(control)).Status, 'available')
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170', '0150', '0153', '0151'])
})

test('settings of the cluster are those of its instances, and a password is set through the writer', async () => {
  const control = await auroraWith(['one', 'two'])
  const before = (await auroraOf(control)).master.verifier
  const changes = { BackupRetentionPeriod: 9, DeletionProtection: true, MasterUserPassword: 'another-horse-battery' }
  await inTime(control, changeCluster(control, SCOPE, 'modify', { ...NAMED, ...changes }))
  const after = await auroraOf(control)
  assert.notEqual(after.master.verifier, before)
  assert.equal(after.pendingVerifier, undefined)
  assert.equal((await instanceShown(control, 'two')).BackupRetentionPeriod, 9)
  await assert.rejects(changeCluster(control, SCOPE, 'delete', { ...NAMED, SkipFinalSnapshot: true }), {
    name: 'InvalidParameterCombination',
  })
})

test('an associated cluster parameter group waits for the reboot of each instance', async () => {
  const control = await auroraWith(['one', 'two'])
  const family = 'aurora-postgresql18'
  await createParameterGroup(control, SCOPE, { kind: 'cluster', name: 'own', family, description: 'own', tags: [] })
  const group = { DBClusterParameterGroupName: 'own' }
  await inTime(control, changeCluster(control, SCOPE, 'modify', { ...NAMED, ...group }))
  const states = async (): Promise<string[]> =>
    (await clusterShown(control)).DBClusterMembers!.map((member) => member.DBClusterParameterGroupStatus!)
  assert.deepEqual(await states(), ['pending-reboot', 'pending-reboot'])
  await inTime(control, changeInstance(control, SCOPE, 'reboot', { DBInstanceIdentifier: 'two' }))
  assert.deepEqual(await states(), ['pending-reboot', 'in-sync'])
  await inTime(control, changeInstance(control, SCOPE, 'reboot', { DBInstanceIdentifier: 'one' }))
  assert.deepEqual(await states(), ['in-sync', 'in-sync'])
  assert.equal(await writerOf(control), 'one', 'a reboot is no failover')
})

test('custom endpoints lead to those who belong to them, as long as they have the role', async () => {
  const control = await auroraWith(['one', 'two', 'three'])
  const make = (id: string, more: object): Promise<DBClusterEndpoint> =>
    inTime(
      control,
      createClusterEndpoint(control, SCOPE, {
        ...NAMED,
        DBClusterEndpointIdentifier: id,
        EndpointType: 'READER',
        ...more,
      }),
    )
  const reports = await make('reports', { StaticMembers: ['one', 'two'] })
  assert.deepEqual(
    [reports.EndpointType, reports.CustomEndpointType, reports.Status, reports.StaticMembers, reports.ExcludedMembers],
    ['CUSTOM', 'READER', 'available', ['one', 'two'], []],
  )
  const rest = await make('rest', { ExcludedMembers: ['two'] })
  const [toReports, toRest] = [reports, rest].map((endpoint) => endpoint.DBClusterEndpointResourceIdentifier!)
  assert.deepEqual([await reached(control, toReports!), await reached(control, toRest!)], [['two'], ['three']])
  await failover(control, 'two')
  await keptAurora(control)
  assert.deepEqual([await reached(control, toReports!), await reached(control, toRest!)], [['one'], ['one', 'three']])
  await addInstance(control, 'four')
  await keptAurora(control)
  assert.deepEqual(await reached(control, toRest!), ['one', 'three', 'four'], 'a new one is not excluded')
  await remove(control, 'one')
  await keptAurora(control)
  assert.deepEqual(await reached(control, toReports!), [], 'a static list of those that are gone leads to nobody')
})

test('a custom endpoint is changed and deleted, and there are five at most', async () => {
  const control = await auroraWith(['one', 'two'])
  const name = { DBClusterEndpointIdentifier: 'own' }
  const made = { ...NAMED, ...name, EndpointType: 'ANY', StaticMembers: ['one'] }
  const { DBClusterEndpointResourceIdentifier: route } = await inTime(
    control,
    createClusterEndpoint(control, SCOPE, made),
  )
  await assert.rejects(createClusterEndpoint(control, SCOPE, made), { name: 'DBClusterEndpointAlreadyExistsFault' })
  const modified = await inTime(
    control,
    modifyClusterEndpoint(control, SCOPE, { ...name, ExcludedMembers: ['one'], EndpointType: 'READER' }),
  )
  assert.deepEqual([modified.StaticMembers, modified.ExcludedMembers], [[], ['one']])
  assert.deepEqual(await reached(control, route!), ['two'])
  for (const id of ['b', 'c', 'd', 'e'])
    await inTime(control, createClusterEndpoint(control, SCOPE, { ...made, DBClusterEndpointIdentifier: id }))
  await assert.rejects(createClusterEndpoint(control, SCOPE, { ...made, DBClusterEndpointIdentifier: 'f' }), {
    name: 'DBClusterEndpointQuotaExceededFault',
  })
  const listed = await listClusterEndpoints(control, SCOPE, NAMED)
  assert.deepEqual(
    listed.map(({ EndpointType }) => EndpointType),
    ['WRITER', 'READER', ...Array.from({ length: 5 }, () => 'CUSTOM')],
  )
  const deleted = await inTime(control, deleteClusterEndpoint(control, SCOPE, 'own'))
  assert.equal(deleted.Status, 'deleting')
  assert.equal(control.endpoints.observed(route!), undefined)
  assert.deepEqual(await listClusterEndpoints(control, SCOPE, name), [])
})

test('a tier and a class are changed of one instance', async () => {
  const control = await auroraWith(['one', 'two'])
  const modify = (DBInstanceIdentifier: string, changes: object): Promise<unknown> =>
    inTime(control, changeInstance(control, SCOPE, 'modify', { DBInstanceIdentifier, ...changes }))
  await modify('two', { PromotionTier: 9 })
  await modify('two', { DBInstanceClass: 'db.r6g.xlarge', ApplyImmediately: true })
  await modify('one', { DBInstanceClass: 'db.r6g.2xlarge', ApplyImmediately: true })
  const [one, two] = await Promise.all(['one', 'two'].map((id) => instanceShown(control, id)))
  assert.deepEqual([one!.DBInstanceClass, one!.PromotionTier], ['db.r6g.2xlarge', 1])
  assert.deepEqual([two!.DBInstanceClass, two!.PromotionTier], ['db.r6g.xlarge', 9])
  assert.deepEqual(await statusesOf(control), ['available', 'available'])
  assert.equal(await writerOf(control), 'one')
})
