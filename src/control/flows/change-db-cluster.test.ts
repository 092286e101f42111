/** ModifyDBCluster on simulated engines: class, version and storage, who gets them in which order, and what is taken back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModifyDBClusterMessage } from '@aws-sdk/client-rds'
import type { JobKinds } from '#wire/agent/messages.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { clusterOf, eventsOf, isWholeAgain, kept, newCluster } from '../../../tests/support/simulated-cluster.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { describeCluster } from '../db-cluster/describe.ts'
import { modifyDbCluster } from '../db-cluster/modify.ts'
import { clusterStatusOf } from '../db-cluster/sight.ts'
import { dbInstances, type DbInstanceSettings } from '../db-instance/record.ts'

type Asked = Omit<ModifyDBClusterMessage, 'DBClusterIdentifier'>

const modify = (control: SimulatedControl, asked: Asked): Promise<unknown> =>
  inTime(control, modifyDbCluster(control, SCOPE, { DBClusterIdentifier: 'orders', ...asked }))

const modifyNow = (control: SimulatedControl, asked: Asked): Promise<unknown> =>
  modify(control, { ...asked, ApplyImmediately: true })

async function cluster(): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await newCluster(control, 'orders', { EngineVersion: '18.3' })
  return control
}

const settingsOf = async (control: SimulatedControl): Promise<DbInstanceSettings[]> => [
  (await clusterOf(control)).settings,
  ...(await dbInstances(control, SCOPE).list()).map(({ value }) => value.settings),
]

type Order = readonly [kind: string, zone: string]

/** Restarts and reloads that are begun from now on, and whatever `look` is told about them. */
function orders(
  control: SimulatedControl,
  look: (spec: JobKinds['instance.restart']['input']['spec'], zone: string) => unknown = () => {},
): Order[] {
  const seen: Order[] = []
  const { startJob } = control.hosts
  control.hosts.startJob = async (zone, id, kind, input) => {
    if (kind === 'instance.restart' || kind === 'instance.reload') {
      seen.push([kind, zone])
      await look((input as JobKinds['instance.restart']['input']).spec, zone)
    }
    return startJob.call(control.hosts, zone, id, kind, input)
  }
  return seen
}

const restarts = (seen: readonly Order[]): string[] =>
  seen.filter(([kind]) => kind === 'instance.restart').map(([, zone]) => zone)

test('a class is changed by a restart of both readers, then of the writer, and the records say so in the end', async () => {
  const control = await cluster()
  const memory: number[] = []
  const statuses = new Set<string>()
  const seen = orders(control, async ({ capacity }) => {
    memory.push(capacity.vcpus)
    statuses.add(clusterStatusOf(control, await clusterOf(control)))
  })
  await modifyNow(control, { DBClusterInstanceClass: 'db.r6gd.xlarge' })
  assert.deepEqual(restarts(seen), ['b', 'c', 'a'])
  assert.deepEqual([...statuses], ['modifying'])
  for (const { DBInstanceClass } of await settingsOf(control)) assert.equal(DBInstanceClass, 'db.r6gd.xlarge')
  const now = await kept(control)
  isWholeAgain(now)
  assert.deepEqual([now.writer, now.pending, clusterStatusOf(control, now)], ['a', {}, 'available'])
  const events = await eventsOf(control, 'db-instance')
  for (const id of ['0012', '0014']) assert.equal(events.filter((one) => one === id).length, 3, id)
})

test('a later minor version is fetched everywhere before anything stops, and a reader runs it first', async () => {
  const control = await cluster()
  const kinds: string[] = []
  const { startJob } = control.hosts
  control.hosts.startJob = (zone, id, kind, input) => {
    kinds.push(kind)
    return startJob.call(control.hosts, zone, id, kind, input)
  }
  const versions: string[] = []
  orders(control, ({ version }) => versions.push(version))
  await modifyNow(control, { EngineVersion: '18.4' })
  assert.deepEqual(kinds.slice(0, 3), Array(3).fill('engine.prepare'))
  assert.ok(versions.length >= 3 && versions.every((version) => version === '18.4'), versions.join())
  for (const { EngineVersion } of await settingsOf(control)) assert.equal(EngineVersion, '18.4')
  const events = await eventsOf(control, 'db-cluster')
  for (const id of ['0286', '0290']) assert.ok(events.includes(id), id)
  isWholeAgain(await kept(control))
})

test('storage grows for every member without a restart, at least by a tenth, and not again within six hours', async () => {
  const control = await cluster()
  const seen = orders(control)
  await modifyNow(control, { AllocatedStorage: 101, Iops: 1000 })
  assert.deepEqual(
    seen.map(([kind, zone]) => `${kind} ${zone}`),
    ['b', 'c', 'a'].map((zone) => `instance.reload ${zone}`),
  )
  for (const { AllocatedStorage } of await settingsOf(control)) assert.equal(AllocatedStorage, 110)
  await assert.rejects(modifyNow(control, { AllocatedStorage: 200, Iops: 1000 }), {
    name: 'InvalidParameterCombination',
    message: /optimized/,
  })
  await assert.rejects(modifyNow(control, { AllocatedStorage: 50, Iops: 1000 }), /less than the current size/)
  isWholeAgain(await kept(control))
})

test('what is not asked for at once is made when the maintenance window opens, or taken back before', async () => {
  const control = await cluster()
  const seen = orders(control)
  await modify(control, { EngineVersion: '18.4', DBClusterInstanceClass: 'db.r6gd.xlarge' })
  await modify(control, { DBClusterInstanceClass: 'db.m6gd.large' })
  const shown = await describeCluster(control, await clusterOf(control))
  assert.equal(shown.PendingModifiedValues?.EngineVersion, '18.4')
  assert.deepEqual([shown.Status, shown.EngineVersion, restarts(seen)], ['available', '18.3', []])
  const weeks = 8 * 24 * 60
  for (let minutes = 0; minutes < weeks && restarts(seen).length < 3; minutes += 25)
    await control.clock.advance(25 * 60_000)
  const now = await kept(control)
  assert.deepEqual(
    [now.settings.EngineVersion, now.settings.DBInstanceClass, now.pending],
    ['18.4', 'db.m6gd.large', {}],
  )
})

test('a reader that does not run with what was asked for has all of it taken back', async () => {
  const control = await cluster()
  const specs: [string, string][] = []
  const seen = orders(control, ({ version }, zone) => specs.push([zone, version]))
  const { job } = control.hosts
  control.hosts.job = async (zone, id) =>
    id.endsWith('/take-c')
      ? { state: 'failed', error: { code: 'bad-settings', message: 'No.' } }
      : job.call(control.hosts, zone, id)
  await modifyNow(control, { EngineVersion: '18.4' })
  assert.deepEqual(specs.at(0), ['b', '18.4'])
  assert.ok(restarts(seen).every((zone) => zone !== 'a'))
  assert.deepEqual(specs.filter(([zone]) => zone === 'b').at(-1), ['b', '18.3'])
  for (const { EngineVersion } of await settingsOf(control)) assert.equal(EngineVersion, '18.3')
  const now = await kept(control)
  isWholeAgain(now)
  assert.deepEqual([clusterStatusOf(control, now), now.pending], ['available', {}])
  assert.ok((await eventsOf(control, 'db-instance')).includes('0035'))
})

test('a writer that does not run with what was asked for: readers have it taken back, and one takes over', async () => {
  const control = await cluster()
  const { job } = control.hosts
  control.hosts.job = async (zone, id) =>
    zone === 'a' && /\/restart-\d+-\d+$/.test(id)
      ? { state: 'failed', error: { code: 'failed', message: 'No.' } }
      : job.call(control.hosts, zone, id)
  await modifyNow(control, { DBClusterInstanceClass: 'db.r6gd.xlarge' })
  control.hosts.job = job
  const now = await kept(control)
  assert.equal(clusterStatusOf(control, now), 'available')
  for (const { DBInstanceClass } of await settingsOf(control)) assert.equal(DBInstanceClass, 'db.m6gd.large')
  isWholeAgain(now)
})

test('what no cluster can be given is refused, and nothing is begun', async () => {
  const control = await cluster()
  const refused: readonly Asked[] = [
    { DBClusterInstanceClass: 'db.none' },
    { EngineVersion: '18.2' },
    { EngineVersion: '17.10' },
    { StorageType: 'gp2' },
    { AllocatedStorage: 200 },
  ]
  for (const asked of refused)
    await assert.rejects(modifyNow(control, asked), /Invalid|Cannot|must/, JSON.stringify(asked))
  assert.equal(clusterStatusOf(control, await clusterOf(control)), 'available')
})
