/** Aurora clusters whose idle instances are paused, and woken, on simulated engines and gateways that tests bring clients to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Parameter } from '@aws-sdk/client-rds'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import {
  addInstance,
  auroraOf,
  clusterShown,
  instanceShown,
  newAurora,
  reached,
  volumeOf,
  writerOf,
} from '../../../tests/support/simulated-aurora.ts'
import { eventsOf } from '../../../tests/support/simulated-cluster.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { visitedEndpoints, type VisitedEndpoints } from '../../../tests/support/visited-endpoints.ts'
import { changeInstance } from '../cluster/member-verbs.ts'
import { changeCluster } from '../cluster/verbs.ts'
import { collectMetrics, instanceMetric } from '../metrics/collect.ts'
import { createParameterGroup } from '../parameter-group/parameter-groups.ts'
import { modifyParameters } from '../parameter-group/values.ts'
import { Watch } from './auto-pause.ts'

const NAMED = { DBClusterIdentifier: 'shop' }
const RANGE = { MinCapacity: 0, MaxCapacity: 4, SecondsUntilAutoPause: 600 }
/** Promotion tiers by instance, the writer first. */
type Tiers = Readonly<Record<string, number>>

class Shop {
  readonly control: SimulatedControl
  readonly doors: VisitedEndpoints
  watch: Watch
  private readonly ids: ReadonlyMap<string, string>

  private constructor(control: SimulatedControl, doors: VisitedEndpoints, ids: ReadonlyMap<string, string>) {
    this.control = control
    this.doors = doors
    this.ids = ids
    this.watch = new Watch(control, control.log)
    doors.onReport(({ id, waiting }) => (waiting > 0 ? this.watch.comeTo(id) : undefined))
  }

  static async open(tiers: Tiers, provisioned: readonly string[] = [], more: object = {}): Promise<Shop> {
    const doors = visitedEndpoints()
    const control = await simulatedControl({ endpoints: doors })
    await newAurora(control, 'shop', { ServerlessV2ScalingConfiguration: RANGE, ...more })
    for (const [id, PromotionTier] of Object.entries(tiers))
      await addInstance(control, id, {
        PromotionTier,
        DBInstanceClass: provisioned.includes(id) ? 'db.r6g.large' : 'db.serverless',
      })
    const cluster = await auroraOf(control)
    const ids = new Map(cluster.members.map(({ id, resourceId }) => [id, resourceId]))
    ids.set('shop', cluster.resourceId).set('readers', `${cluster.resourceId}-ro`)
    const shop = new Shop(control, doors, ids)
    await shop.pass(0)
    return shop
  }

  /** Time passes, and is looked at every five seconds. */
  async pass(seconds: number): Promise<void> {
    for (let at = 0; at <= seconds; at += 5) {
      await this.watch.round()
      await this.control.clock.advance(5_000)
    }
  }

  wait(door: string, count: number): void {
    this.doors.wait(this.ids.get(door)!, count)
  }

  connect(door: string, instance: string, count: number): void {
    this.doors.connect(this.ids.get(door)!, this.ids.get(instance)!, count)
  }

  /** Instances whose engines run. */
  async awake(): Promise<string[]> {
    const { members } = await auroraOf(this.control)
    return members
      .filter(({ zone, resourceId }) => this.control.hosts.observed(zone, resourceId)?.state === 'running')
      .map(({ id }) => id)
  }

  stateOf(door: string): string | undefined {
    return this.doors.observed(this.ids.get(door)!)?.state
  }

  async statuses(): Promise<(string | undefined)[]> {
    const { Status } = await clusterShown(this.control)
    const { members } = await auroraOf(this.control)
    const shown = await Promise.all(members.map(({ id }) => instanceShown(this.control, id)))
    return [Status, ...shown.map(({ DBInstanceStatus }) => DBInstanceStatus)]
  }
}

const asleep = async (tiers: Tiers = { one: 1 }, more: object = {}): Promise<Shop> => {
  const shop = await Shop.open(tiers, [], more)
  await shop.pass(1300)
  assert.deepEqual(await shop.awake(), [])
  return shop
}

test('an idle instance is paused after its time and not before, and is available all the same', async () => {
  const shop = await Shop.open({ one: 1 })
  await shop.pass(580)
  assert.deepEqual(await shop.awake(), ['one'])
  await shop.pass(30)
  assert.deepEqual(await shop.awake(), [])
  assert.deepEqual(await shop.statuses(), ['available', 'available'])
  assert.equal((await volumeOf(shop.control)).writer, undefined)
  assert.deepEqual((await eventsOf(shop.control, 'db-instance')).slice(-2), ['0370', '0372'])
})

test('a connection keeps an instance awake, and so does one that was there for a moment', async () => {
  const shop = await Shop.open({ one: 1 })
  shop.connect('shop', 'one', 1)
  await shop.pass(1200)
  shop.connect('shop', 'one', 0)
  await shop.pass(300)
  shop.connect('one', 'one', 1)
  shop.connect('one', 'one', 0)
  await shop.pass(580)
  assert.deepEqual(await shop.awake(), ['one'])
  await shop.pass(30)
  assert.deepEqual(await shop.awake(), [])
})

test('what cannot be seen is no idleness', async () => {
  const shop = await Shop.open({ one: 1 })
  await shop.pass(500)
  shop.doors.isAway = true
  await shop.pass(600)
  shop.doors.isAway = false
  await shop.pass(550)
  assert.deepEqual(await shop.awake(), ['one'])
  await shop.pass(100)
  assert.deepEqual(await shop.awake(), [])
})

test('whoever comes wakes the writer, in a new epoch', async () => {
  const shop = await asleep()
  const { epoch } = await volumeOf(shop.control)
  assert.equal(shop.stateOf('shop'), 'cut')
  shop.wait('shop', 1)
  await shop.control.clock.advance(1_000)
  assert.deepEqual(await shop.awake(), ['one'])
  assert.equal(shop.stateOf('shop'), 'open')
  assert.equal((await volumeOf(shop.control)).epoch, epoch + 1)
  assert.deepEqual(await shop.statuses(), ['available', 'available'])
  assert.deepEqual((await eventsOf(shop.control, 'db-instance')).slice(-2), ['0373', '0374'])
})

test('many who come at once wake it once', async () => {
  const shop = await asleep()
  const { epoch } = await volumeOf(shop.control)
  for (let count = 1; count <= 50; count++) shop.wait('shop', count)
  for (let count = 1; count <= 50; count++) shop.wait('one', count)
  await shop.pass(20)
  assert.equal((await volumeOf(shop.control)).epoch, epoch + 1)
})

test('who came while serve was away is found waiting by the next one', async () => {
  const shop = await asleep()
  shop.watch.stop()
  shop.wait('shop', 1)
  await shop.control.clock.advance(30_000)
  assert.deepEqual(await shop.awake(), [])
  await shop.control.restart()
  shop.watch = new Watch(shop.control, shop.control.log)
  await shop.pass(5)
  assert.deepEqual(await shop.awake(), ['one'])
})

test('somebody who comes while a pause begins is let in, and nothing is stopped', async () => {
  const shop = await Shop.open({ one: 1 })
  await shop.pass(590)
  shop.wait('shop', 1)
  await shop.pass(30)
  assert.deepEqual(await shop.awake(), ['one'])
  assert.equal(shop.stateOf('shop'), 'open')
  assert.deepEqual((await eventsOf(shop.control, 'db-instance')).slice(-2), ['0370', '0371'])
  assert.deepEqual(await shop.statuses(), ['available', 'available'])
})

test('somebody who comes while engines stop waits for the end of that, and wakes them', async () => {
  const shop = await Shop.open({ one: 1 })
  const { startJob } = shop.control.hosts
  shop.control.hosts.startJob = (zone, jobId, kind, input) => {
    if (kind === 'instance.stop') shop.wait('shop', 1)
    return startJob(zone, jobId, kind, input)
  }
  await shop.pass(640)
  assert.deepEqual((await eventsOf(shop.control, 'db-instance')).slice(-4), ['0370', '0372', '0373', '0374'])
  assert.deepEqual(await shop.awake(), ['one'])
})

test('an engine that somebody is connected to past the gateways is not stopped', async () => {
  const shop = await Shop.open({ one: 1 })
  const { ask } = shop.control.hosts
  shop.control.hosts.ask = async (zone, question, input) =>
    question === 'instance.connections' ? ({ count: 1 } as never) : ask(zone, question, input)
  await shop.pass(650)
  assert.deepEqual(await shop.awake(), ['one'])
  assert.equal(shop.stateOf('shop'), 'open')
  assert.deepEqual((await eventsOf(shop.control, 'db-instance')).slice(-2), ['0370', '0371'])
})

test('a writer that cannot be woken the short way is started as any other', async () => {
  const shop = await asleep()
  shop.control.failingOnce = 'instance.lead'
  shop.wait('shop', 1)
  await shop.pass(30)
  assert.equal(shop.stateOf('shop'), 'open')
  assert.deepEqual(await shop.awake(), ['one'])
})

test('a writer that cannot be woken is tried again, and an event tells', async () => {
  const shop = await asleep()
  shop.control.failing = 'instance.lead'
  shop.wait('shop', 1)
  while (!(await eventsOf(shop.control, 'db-instance')).includes('0044')) await shop.pass(60)
  assert.equal(shop.stateOf('shop'), 'cut')
  shop.control.failing = undefined
  while (shop.stateOf('shop') !== 'open') await shop.pass(60)
  assert.deepEqual(await shop.statuses(), ['available', 'available'])
  assert.equal(await writerOf(shop.control), 'one')
})

test('the writer and the readers of the first tiers pause and wake together', async () => {
  const shop = await asleep({ one: 1, two: 0 })
  shop.wait('two', 1)
  await shop.pass(20)
  assert.deepEqual(await shop.awake(), ['one', 'two'])
  assert.deepEqual(await reached(shop.control, (await auroraOf(shop.control)).resourceId), ['one'])
  shop.wait('two', 0)
  shop.connect('two', 'two', 1)
  await shop.pass(1300)
  assert.deepEqual(await shop.awake(), ['one', 'two'])
})

test('a reader of another tier pauses by itself, and wakes when somebody wants a reader', async () => {
  const shop = await Shop.open({ one: 1, two: 2 })
  shop.connect('shop', 'one', 1)
  await shop.pass(650)
  assert.deepEqual(await shop.awake(), ['one'])
  assert.equal(shop.stateOf('readers'), 'cut')
  shop.wait('readers', 1)
  await shop.pass(5)
  assert.deepEqual(await shop.awake(), ['one', 'two'])
  assert.equal(shop.stateOf('readers'), 'open')
})

test('a reader of another tier is not woken for the writer, but the writer for it', async () => {
  const shop = await asleep({ one: 1, two: 2 })
  shop.wait('shop', 1)
  await shop.pass(20)
  assert.deepEqual(await shop.awake(), ['one'])
  shop.wait('shop', 0)
  await shop.pass(1300)
  assert.deepEqual(await shop.awake(), [])
  shop.wait('two', 1)
  await shop.pass(20)
  assert.deepEqual(await shop.awake(), ['one', 'two'])
})

test('beside a provisioned instance the writer stays awake', async () => {
  const shop = await Shop.open({ one: 1, two: 1, three: 2 }, ['two'])
  await shop.pass(1300)
  assert.deepEqual(await shop.awake(), ['one', 'two'])
})

test('logical replication keeps the writer awake', async () => {
  const shop = await Shop.open({ one: 1 })
  const group = { kind: 'cluster', name: 'logical' } as const
  const family = 'aurora-postgresql18'
  await createParameterGroup(shop.control, SCOPE, { ...group, family, description: 'slots', tags: [] })
  const parameter = { ParameterName: 'rds.logical_replication', ParameterValue: '1', ApplyMethod: 'pending-reboot' }
  await modifyParameters(shop.control, SCOPE, { ...group, parameters: [parameter as Parameter] })
  await inTime(
    shop.control,
    changeCluster(shop.control, SCOPE, 'modify', { ...NAMED, DBClusterParameterGroupName: 'logical' }),
  )
  await inTime(shop.control, changeInstance(shop.control, SCOPE, 'reboot', { DBInstanceIdentifier: 'one' }))
  await shop.pass(1300)
  assert.deepEqual(await shop.awake(), ['one'])
})

test('what is stopped is not woken by who comes, and starts awake', async () => {
  const shop = await asleep({ one: 1, two: 1 })
  await inTime(shop.control, changeCluster(shop.control, SCOPE, 'stop', NAMED))
  assert.deepEqual(await shop.statuses(), ['stopped', 'stopped', 'stopped'])
  shop.wait('shop', 1)
  await shop.pass(30)
  assert.deepEqual(await shop.awake(), [])
  shop.wait('shop', 0)
  await inTime(shop.control, changeCluster(shop.control, SCOPE, 'start', NAMED))
  await shop.pass(30)
  assert.deepEqual(await shop.awake(), ['one', 'two'])
})

test('a range that begins with more than nothing, or a new password, wakes everybody', async () => {
  const shop = await asleep({ one: 1, two: 2 })
  const ServerlessV2ScalingConfiguration = { MinCapacity: 0.5 }
  await inTime(
    shop.control,
    changeCluster(shop.control, SCOPE, 'modify', { ...NAMED, ServerlessV2ScalingConfiguration }),
  )
  await shop.pass(30)
  assert.deepEqual(await shop.awake(), ['one', 'two'])
  const other = await asleep()
  await inTime(
    other.control,
    changeCluster(other.control, SCOPE, 'modify', { ...NAMED, MasterUserPassword: 'another-battery' }),
  )
  await other.pass(30)
  assert.deepEqual(await other.awake(), ['one'])
  assert.equal((await auroraOf(other.control)).pendingVerifier, undefined)
})

test('a new instance, a reboot and a deletion wake whom they need', async () => {
  const shop = await asleep({ one: 1, two: 1 })
  await inTime(shop.control, changeInstance(shop.control, SCOPE, 'reboot', { DBInstanceIdentifier: 'two' }))
  await shop.pass(30)
  assert.deepEqual(await shop.awake(), ['one', 'two'])
  assert.equal(await writerOf(shop.control), 'one')
  await shop.pass(1300)
  assert.deepEqual(await shop.awake(), [])
  await inTime(shop.control, changeInstance(shop.control, SCOPE, 'delete', { DBInstanceIdentifier: 'one' }))
  await shop.pass(30)
  assert.deepEqual(await shop.awake(), ['two'])
  assert.equal(await writerOf(shop.control), 'two')
})

test('a paused instance is measured as nothing', async () => {
  const shop = await asleep()
  const { control } = shop
  const collecting = collectMetrics(control, control.log)
  await control.clock.advance(60_000)
  collecting.stop()
  const { members } = await auroraOf(control)
  const at = { ...SCOPE, id: members[0]!.id }
  for (const name of ['ServerlessDatabaseCapacity', 'ACUUtilization', 'CPUUtilization'])
    assert.equal(control.metrics.read(instanceMetric(at, name), 0, Number.MAX_SAFE_INTEGER).at(-1)?.max, 0, name)
  assert.deepEqual(control.metrics.read(instanceMetric(at, 'DatabaseConnections'), 0, Number.MAX_SAFE_INTEGER), [])
})
