/** Global databases on simulated engines: clusters of several regions, and which of them writes. */
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { SCOPE } from '../../../tests/support/control.ts'
import {
  EAST,
  addSecondary,
  clusterIn,
  createInstanceIn,
  globalShown,
  newGlobal,
  relaysSeen,
  withSecondary,
} from '../../../tests/support/simulated-global.ts'
import { addInstance, auroraOf, keptAurora, newAurora, reached } from '../../../tests/support/simulated-aurora.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { eventsOf } from '../../../tests/support/simulated-cluster.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { changeCluster } from '../cluster/verbs.ts'
import { createGlobalCluster } from '../global-cluster/create.ts'
import { deleteGlobalCluster } from '../global-cluster/delete.ts'
import { listGlobalClusters } from '../global-cluster/list.ts'
import { modifyGlobalCluster } from '../global-cluster/modify.ts'
import { removeFromGlobalCluster } from '../global-cluster/remove.ts'
import { failoverGlobalCluster } from '../global-cluster/switch.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import { findEvents } from '../event/event.ts'
import { addTags, listTags, removeTags } from '../tag/tags.ts'
import { volumes } from '../volume/record.ts'

const NAMED = { GlobalClusterIdentifier: 'world' }

const leave = (control: SimulatedControl, arn: string | undefined): Promise<unknown> =>
  inTime(control, removeFromGlobalCluster(control, SCOPE, { ...NAMED, DbClusterIdentifier: arn }))

test('a global cluster begins empty or with a cluster that is there, and belongs to no region', async () => {
  const control = await simulatedControl()
  await createGlobalCluster(control, SCOPE, { ...NAMED, Engine: 'aurora-postgresql', DatabaseName: 'shop' })
  assert.deepEqual((await globalShown(control)).GlobalClusterMembers, [])
  await newAurora(control, 'shop', { ...NAMED })
  const [member] = (await globalShown(control)).GlobalClusterMembers!
  assert.deepEqual([member!.IsWriter, member!.GlobalWriteForwardingStatus], [true, 'disabled'])
  assert.equal((await auroraOf(control)).databaseName, 'shop')
  assert.equal((await listGlobalClusters(control, EAST, {})).length, 1)
  const shown = await globalShown(control)
  assert.equal(shown.GlobalClusterArn, `arn:aws:rds::${SCOPE.account}:global-cluster:world`)
  assert.equal(shown.Status, 'available')
})

test('a global cluster carries tags, by a name without a region, from every region', async () => {
  const control = await simulatedControl()
  await createGlobalCluster(control, SCOPE, { ...NAMED, Engine: 'aurora-postgresql', Tags: [{ Key: 'a', Value: '1' }] })
  const { GlobalClusterArn: arn } = await globalShown(control)
  await addTags(control, EAST, { arn: arn!, tags: [{ Key: 'team', Value: 'shop' }] })
  await removeTags(control, SCOPE, { arn: arn!, keys: ['a'] })
  assert.deepEqual(await listTags(control, EAST, arn!), [{ Key: 'team', Value: 'shop' }])
  assert.deepEqual((await globalShown(control)).TagList, [{ Key: 'team', Value: 'shop' }])
  await assert.rejects(listTags(control, SCOPE, arn!.replace('world', 'other')), { name: 'GlobalClusterNotFoundFault' })
  await assert.rejects(listTags(control, SCOPE, arn!.replace('rds::', 'rds:us-east-1:')), {
    name: 'InvalidParameterValue',
  })
})

test('a secondary has a volume of its own, with the log of the primary, and instances that all read', async () => {
  const control = await withSecondary()
  const secondary = await clusterIn(control, EAST, 'far')
  const { resourceId, master, global } = secondary.record
  const own = (await volumes(control, EAST).get(resourceId))!.value
  assert.equal(own.relay!.source.resourceId, (await auroraOf(control)).resourceId)
  assert.notEqual(
    own.seed!.imageId,
    (await volumes(control, SCOPE).get(own.relay!.source.resourceId))!.value.seed!.imageId,
  )
  assert.equal(master.username, 'app')
  assert.equal(global!.isSecondary, true)
  assert.deepEqual(
    secondary.shown.DBClusterMembers!.map((member) => [member.DBInstanceIdentifier, member.IsClusterWriter]),
    [
      ['far-1', false],
      ['far-2', false],
    ],
  )
  assert.equal(secondary.shown.Status, 'available')
  await keptAurora(control)
  assert.deepEqual(await reached(control, resourceId, EAST, 'far'), [])
  assert.deepEqual(await reached(control, `${resourceId}-ro`, EAST, 'far'), ['far-1', 'far-2'])
  const members = (await globalShown(control)).GlobalClusterMembers!
  assert.deepEqual(
    members.map(({ IsWriter, Readers, SynchronizationStatus }) => [IsWriter, Readers!.length, SynchronizationStatus]),
    [
      [true, 1, 'connected'],
      [false, 0, 'connected'],
    ],
  )
})

test('a secondary that is removed becomes a cluster with a writer, in an epoch that no other volume has had', async () => {
  const control = await withSecondary()
  const { shown, record } = await clusterIn(control, EAST, 'far')
  await leave(control, shown.DBClusterArn)
  await keptAurora(control)
  const alone = await clusterIn(control, EAST, 'far')
  assert.equal(alone.shown.Status, 'available')
  assert.equal(alone.shown.DBClusterMembers!.filter(({ IsClusterWriter }) => IsClusterWriter).length, 1)
  assert.equal(alone.shown.GlobalClusterIdentifier, undefined)
  const volume = (await volumes(control, EAST).get(record.resourceId))!.value
  assert.deepEqual([volume.relay, volume.relaysToEnd], [undefined, undefined])
  const primary = (await volumes(control, SCOPE).get((await auroraOf(control)).resourceId))!.value
  assert.ok(volume.epoch > primary.epoch)
  for (const zone of control.hosts.zones) {
    const { observed } = await control.hosts.ask(zone, 'lognode.look', {})
    assert.deepEqual(observed!.relays, [])
  }
  await leave(control, (await clusterIn(control, SCOPE, 'shop')).shown.DBClusterArn)
  await deleteGlobalCluster(control, SCOPE, NAMED)
  assert.deepEqual(await listGlobalClusters(control, SCOPE, {}), [])
})

test('a relay that is over is followed by another, in the name of a later epoch', async () => {
  const control = await withSecondary()
  const { record } = await clusterIn(control, EAST, 'far')
  const before = (await volumes(control, EAST).get(record.resourceId))!
  const { zone, epoch } = before.value.relay!
  await control.hosts.ask(zone, 'lognode.end-relay', { volume: record.resourceId })
  await keptAurora(control)
  const { observed } = await control.hosts.ask(zone, 'lognode.look', {})
  assert.deepEqual(
    observed!.relays.map((relay) => [relay.volume, relay.epoch]),
    [[record.resourceId, epoch]],
  )
})

/** With both clusters and their instances as they should be when `far` writes. */
async function assertSwitched(control: SimulatedControl): Promise<void> {
  await keptAurora(control)
  const [near, far] = [await clusterIn(control, SCOPE, 'shop'), await clusterIn(control, EAST, 'far')]
  assert.deepEqual([near.shown.Status, far.shown.Status], ['available', 'available'])
  assert.deepEqual([near.record.global!.isSecondary, far.record.global!.isSecondary], [true, false])
  assert.equal((await reached(control, far.record.resourceId, EAST, 'far')).length, 1)
  assert.deepEqual(await reached(control, near.record.resourceId), [])
  assert.deepEqual(await reached(control, `${near.record.resourceId}-ro`), ['one', 'two'])
  const shown = await globalShown(control)
  assert.deepEqual([shown.Status, shown.FailoverState], ['available', undefined])
  assert.deepEqual(
    shown.GlobalClusterMembers!.map(({ DBClusterArn, IsWriter }) => [DBClusterArn, IsWriter]),
    [
      [far.shown.DBClusterArn, true],
      [near.shown.DBClusterArn, false],
    ],
  )
  const rows = [
    await volumes(control, SCOPE).get(near.record.resourceId),
    await volumes(control, EAST).get(far.record.resourceId),
  ]
  assert.equal(rows[0]!.value.relay!.source.resourceId, far.record.resourceId)
  assert.equal(rows[1]!.value.relay, undefined)
}

const switchTo = (control: SimulatedControl, arn: string | undefined, isDataLossAllowed = false): Promise<unknown> =>
  inTime(
    control,
    failoverGlobalCluster(control, SCOPE, {
      ...NAMED,
      TargetDbClusterIdentifier: arn!,
      ...(isDataLossAllowed ? { AllowDataLoss: true } : { Switchover: true }),
    }),
  )

const arnOf = async (control: SimulatedControl, scope = EAST, id = 'far'): Promise<string | undefined> =>
  (await clusterIn(control, scope, id)).shown.DBClusterArn

test('a switchover makes the secondary the primary, in an epoch above all, and the primary its copy', async () => {
  const control = await withSecondary()
  const before = (await volumes(control, SCOPE).get((await auroraOf(control)).resourceId))!.value.epoch
  await switchTo(control, await arnOf(control))
  await assertSwitched(control)
  const after = (await volumes(control, EAST).get((await clusterIn(control, EAST, 'far')).record.resourceId))!.value
  assert.ok(after.epoch > before + 1)
  const events = await eventsOf(control, 'db-cluster')
  assert.deepEqual(
    events.filter((id) => id.startsWith('018')),
    ['0181', '0182', '0183', '0184', '0185'],
  )
  await switchTo(control, await arnOf(control, SCOPE, 'shop'))
  await keptAurora(control)
  assert.equal((await clusterIn(control, SCOPE, 'shop')).record.isOpen, true)
  assert.ok((await volumes(control, SCOPE).get((await auroraOf(control)).resourceId))!.value.epoch > after.epoch)
})

test('who comes to write in a secondary region is turned away, and not kept waiting', async () => {
  const control = await withSecondary()
  const { record } = await clusterIn(control, EAST, 'far')
  const shop = await auroraOf(control)
  const apply = mock.method(control.endpoints, 'apply')
  const patience = (id: string): number | undefined =>
    apply.mock.calls.findLast(({ arguments: [route] }) => route.id === id)?.arguments[0].holdMs
  await routeCluster(control, record)
  assert.equal(patience(record.resourceId), 0)
  await routeCluster(control, shop)
  assert.ok(patience(shop.resourceId)! > 0)
  await switchTo(control, await arnOf(control))
  assert.equal(patience(shop.resourceId), 0)
  assert.ok(patience(record.resourceId)! > 0)
})

test('a failover does not ask the old primary, and says what may be lost', async () => {
  const control = await withSecondary()
  await switchTo(control, await arnOf(control), true)
  await assertSwitched(control)
  const found = await findEvents(control, EAST, { from: 0, to: Number.MAX_SAFE_INTEGER })
  assert.match(found.find(({ id }) => id.endsWith('0184'))!.message, /lost/)
})

test('a switchover for which the rest of the log does not come is cancelled, and the old primary goes on', async () => {
  const control = await withSecondary()
  const restore = relaysSeen(control, (relay) => ({ ...relay, copied: relay.copied - 1 }))
  const { resourceId } = await auroraOf(control)
  const before = (await volumes(control, SCOPE).get(resourceId))!.value.epoch
  await switchTo(control, await arnOf(control))
  restore()
  await keptAurora(control)
  const near = await clusterIn(control, SCOPE, 'shop')
  assert.deepEqual([near.shown.Status, near.record.global!.isSecondary, near.record.isOpen], ['available', false, true])
  assert.deepEqual(await reached(control, resourceId), ['one'])
  assert.equal((await clusterIn(control, EAST, 'far')).shown.Status, 'available')
  assert.equal((await globalShown(control)).FailoverState, undefined)
  const { relay, epoch } = (await volumes(control, SCOPE).get(resourceId))!.value
  assert.deepEqual([relay, epoch > before + 1], [undefined, true])
  assert.ok((await eventsOf(control, 'db-cluster')).includes('0186'))
})

test('a copy that has what its source has not is made anew, with other members', async () => {
  const control = await withSecondary()
  const { resourceId } = (await clusterIn(control, EAST, 'far')).record
  const before = (await volumes(control, EAST).get(resourceId))!.value
  const restore = relaysSeen(control, (relay) => ({
    ...relay,
    ...(relay.epoch === before.relay!.epoch && { phase: 'diverged' }),
  }))
  // Passwords are hashed on the way, which takes time that is not simulated.
  const { configuration } = await eventually('the copies are others', async () => {
    await keptAurora(control)
    const { value } = (await volumes(control, EAST).get(resourceId))!
    return value.relay!.epoch > before.relay!.epoch && !value.formerMembers ? value : undefined
  })
  restore()
  await keptAurora(control)
  const names = configuration.members.map(({ id }) => id)
  assert.ok(before.configuration.members.every(({ id }) => !names.includes(id)))
  const there: string[] = []
  for (const zone of control.hosts.zones) {
    const { observed } = await control.hosts.ask(zone, 'lognode.look', {})
    there.push(...observed!.members.filter(({ volume }) => volume === resourceId).map(({ member }) => member))
  }
  assert.deepEqual(there.sort(), names.sort())
  assert.deepEqual(await reached(control, `${resourceId}-ro`, EAST, 'far'), ['far-1', 'far-2'])
})

const refusals: readonly (readonly [string, string, (control: SimulatedControl) => Promise<unknown>])[] = [
  [
    'another of its name',
    'GlobalClusterAlreadyExistsFault',
    (control) => createGlobalCluster(control, SCOPE, { ...NAMED, Engine: 'aurora-postgresql' }),
  ],
  [
    'an engine beside a source',
    'InvalidParameterCombination',
    (control) =>
      createGlobalCluster(control, SCOPE, {
        GlobalClusterIdentifier: 'other',
        Engine: 'aurora-postgresql',
        SourceDBClusterIdentifier: 'shop',
      }),
  ],
  [
    'neither engine nor source',
    'InvalidParameterCombination',
    (control) => createGlobalCluster(control, SCOPE, { GlobalClusterIdentifier: 'other' }),
  ],
  [
    'a source that is in one already',
    'InvalidDBClusterStateFault',
    (control) =>
      createGlobalCluster(control, SCOPE, { GlobalClusterIdentifier: 'other', SourceDBClusterIdentifier: 'shop' }),
  ],
  [
    'a source that is not there',
    'DBClusterNotFoundFault',
    (control) =>
      createGlobalCluster(control, SCOPE, { GlobalClusterIdentifier: 'other', SourceDBClusterIdentifier: 'nobody' }),
  ],
  ['a second cluster in a region', 'InvalidGlobalClusterStateFault', (control) => addSecondary(control, EAST, 'again')],
  [
    'a master user for a secondary',
    'InvalidParameterCombination',
    (control) => addSecondary(control, { ...SCOPE, region: 'eu-west-1' }, 'third', { MasterUsername: 'app' }),
  ],
  [
    'write forwarding',
    'InvalidParameterCombination',
    (control) =>
      addSecondary(control, { ...SCOPE, region: 'eu-west-1' }, 'third', { EnableGlobalWriteForwarding: true }),
  ],
  [
    'another version',
    'InvalidParameterCombination',
    (control) => addSecondary(control, { ...SCOPE, region: 'eu-west-1' }, 'third', { EngineVersion: '17.4' }),
  ],
  [
    'a global cluster that is not there',
    'GlobalClusterNotFoundFault',
    (control) => addSecondary(control, EAST, 'third', { GlobalClusterIdentifier: 'nowhere' }),
  ],
  [
    'to be deleted with clusters',
    'InvalidGlobalClusterStateFault',
    (control) => deleteGlobalCluster(control, SCOPE, NAMED),
  ],
  [
    'the primary to go before its secondaries',
    'InvalidGlobalClusterStateFault',
    async (control) =>
      removeFromGlobalCluster(control, SCOPE, { ...NAMED, DbClusterIdentifier: await auroraArn(control) }),
  ],
  [
    'a cluster to go that is none of it',
    'DBClusterNotFoundFault',
    (control) => removeFromGlobalCluster(control, SCOPE, { ...NAMED, DbClusterIdentifier: 'nobody' }),
  ],
  [
    'a cluster of it to be deleted',
    'InvalidDBClusterStateFault',
    (control) => changeCluster(control, EAST, 'delete', { DBClusterIdentifier: 'far', SkipFinalSnapshot: true }),
  ],
  [
    'a cluster of it to be stopped',
    'InvalidDBClusterStateFault',
    (control) => changeCluster(control, SCOPE, 'stop', { DBClusterIdentifier: 'shop' }),
  ],
  [
    'a failover of a secondary',
    'InvalidDBClusterStateFault',
    (control) => changeCluster(control, EAST, 'failover', { DBClusterIdentifier: 'far' }),
  ],
  [
    'a password of a secondary',
    'InvalidDBClusterStateFault',
    (control) =>
      changeCluster(control, EAST, 'modify', { DBClusterIdentifier: 'far', MasterUserPassword: 'another-battery' }),
  ],
  [
    'the primary as what is to become it',
    'InvalidGlobalClusterStateFault',
    async (control) => switchTo(control, await auroraArn(control)),
  ],
  ['a target that is none of it', 'DBClusterNotFoundFault', (control) => switchTo(control, 'nobody')],
  [
    'loss and none of it',
    'InvalidParameterCombination',
    (control) =>
      failoverGlobalCluster(control, SCOPE, {
        ...NAMED,
        TargetDbClusterIdentifier: 'far',
        AllowDataLoss: true,
        Switchover: true,
      }),
  ],
  [
    'another version for all',
    'InvalidParameterCombination',
    (control) => modifyGlobalCluster(control, SCOPE, { ...NAMED, EngineVersion: '12.1' }),
  ],
]

const auroraArn = async (control: SimulatedControl): Promise<string | undefined> =>
  (await clusterIn(control, SCOPE, 'shop')).shown.DBClusterArn

test('what a global cluster cannot be is refused', async () => {
  const control = await withSecondary()
  for (const [what, name, ask] of refusals) await assert.rejects(ask(control), { name }, what)
})

test('a global cluster may have another name, and be protected', async () => {
  const control = await withSecondary()
  await modifyGlobalCluster(control, SCOPE, {
    ...NAMED,
    NewGlobalClusterIdentifier: 'globe',
    DeletionProtection: true,
  })
  assert.equal((await globalShown(control, 'globe')).DeletionProtection, true)
  assert.equal((await clusterIn(control, EAST, 'far')).shown.GlobalClusterIdentifier, 'globe')
  await assert.rejects(deleteGlobalCluster(control, SCOPE, { GlobalClusterIdentifier: 'globe' }), {
    name: 'InvalidParameterCombination',
  })
  await assert.rejects(globalShown(control), { name: 'GlobalClusterNotFoundFault' })
})

test('a primary without an instance has no log that anybody could have', async () => {
  const control = await simulatedControl()
  await newAurora(control, 'shop')
  await newGlobal(control)
  await assert.rejects(addSecondary(control, EAST, 'far'), { name: 'InvalidDBClusterStateFault' })
  await addInstance(control, 'one')
  await addSecondary(control, EAST, 'far')
  await createInstanceIn(control, EAST, { cluster: 'far', id: 'far-1' })
  assert.equal((await clusterIn(control, EAST, 'far')).shown.Status, 'available')
})
