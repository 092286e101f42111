/** How old writers, and readers that were left behind, come back to an Aurora cluster on simulated engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import {
  auroraWith,
  auroraOf,
  instanceShown,
  jobsOf,
  keptAurora,
  writerOf,
} from '../../../tests/support/simulated-aurora.ts'
import type { SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { changeCluster } from '../cluster/verbs.ts'
import { commit } from '../control.ts'
import { dbInstances } from '../db-instance/record.ts'
import type { Hosts } from '../hosts.ts'

const failover = (control: SimulatedControl, TargetDBInstanceIdentifier?: string): Promise<unknown> =>
  inTime(
    control,
    changeCluster(control, SCOPE, 'failover', { DBClusterIdentifier: 'shop', TargetDBInstanceIdentifier }),
  )

const statusesOf = async (control: SimulatedControl): Promise<string[]> => {
  const { members } = await auroraOf(control)
  return Promise.all(members.map(async ({ id }) => (await instanceShown(control, id)).DBInstanceStatus!))
}

test('an old writer that is no past state of the volume is made anew of an image', async () => {
  const control = await auroraWith(['one', 'two'])
  control.failingOnce = 'instance.attach'
  control.failingWith = 'diverged'
  const attached = jobsOf(control, 'instance.attach')
  await failover(control, 'two')
  assert.deepEqual(await statusesOf(control), ['available', 'available'])
  const { resourceId } = (await auroraOf(control)).members[0]!
  assert.deepEqual(
    attached.map(({ spec, image }) => [spec.id, image !== undefined, spec.volume!.role, spec.volume!.isOpen]),
    [
      [resourceId, false, 'reader', true],
      [resourceId, true, 'reader', true],
    ],
  )
})

test('a reader that dies on its way to be the writer is passed over, and comes back as a reader', async () => {
  const control = await auroraWith(['one', 'two', 'two-b'])
  const [, two] = (await auroraOf(control)).members
  control.failingOnce = 'instance.lead'
  const led = jobsOf(control, 'instance.lead')
  const returned = [jobsOf(control, 'instance.attach'), jobsOf(control, 'instance.restart')]
  const { observed } = control.hosts
  const hosts = control.hosts as { observed: Hosts['observed'] }
  hosts.observed = (zone, id) => {
    const seen = observed(zone, id)
    const isDead = id === two!.resourceId && led.length === 1
    return seen && isDead ? { ...seen, state: 'stopped', accepting: false } : seen
  }
  await failover(control)
  assert.equal(await writerOf(control), 'two-b')
  assert.deepEqual(
    led.map(({ spec }) => spec.volume!.head!.epoch),
    [3, 4],
  )
  assert.deepEqual(await statusesOf(control), ['available', 'available', 'available'])
  assert.ok(
    returned.flat().some(({ spec }) => spec.id === two!.resourceId && spec.generation === 4),
    'it may have seen what is not durable: it begins anew',
  )
})

test('readers that were left, or cannot follow any more, are brought back', async () => {
  const control = await auroraWith(['one', 'two', 'two-b'])
  const records = dbInstances(control, SCOPE)
  const left = (await records.get('two'))!
  await commit(control, records.update(left, { ...left.value, phase: 'failed' }))
  const phantom = (await auroraOf(control)).members[2]!.resourceId
  const attached = jobsOf(control, 'instance.attach')
  const isRenewed = (): boolean => attached.some(({ spec, image }) => spec.id === phantom && image !== undefined)
  const { observed } = control.hosts
  const hosts = control.hosts as { observed: Hosts['observed'] }
  hosts.observed = (zone, id) => {
    const seen = observed(zone, id)
    const diverged = { isWriter: false, epoch: 1, isStreaming: false, obstacle: 'diverged' } as const
    return seen && id === phantom && !isRenewed() ? { ...seen, volume: diverged } : seen
  }
  await keptAurora(control)
  assert.ok(isRenewed())
  assert.deepEqual(await statusesOf(control), ['available', 'available', 'available'])
})

test('an old writer is attached to its end, also when its engine is seen to read meanwhile', async () => {
  const control = await auroraWith(['one', 'two'])
  const old = (await auroraOf(control)).writer
  control.losing = 'restart-aurora-reader.attach'
  const [attached, restarted] = [jobsOf(control, 'instance.attach'), jobsOf(control, 'instance.restart')]
  const { observed } = control.hosts
  const hosts = control.hosts as { observed: Hosts['observed'] }
  hosts.observed = (zone, id) => {
    const seen = observed(zone, id)
    const reads = id === old && attached.length > 0 && control.losing === undefined
    return seen && reads ? { ...seen, volume: { isWriter: false, epoch: 1, isStreaming: true } } : seen
  }
  await failover(control, 'two')
  assert.deepEqual(await statusesOf(control), ['available', 'available'])
  assert.deepEqual([attached.length > 0, restarted.length], [true, 0])
})

test('an old writer that cannot be started any more is made anew of an image', async () => {
  const control = await auroraWith(['one', 'two'])
  const old = (await auroraOf(control)).writer
  const attached = jobsOf(control, 'instance.attach')
  const { observed } = control.hosts
  const hosts = control.hosts as { observed: Hosts['observed'] }
  hosts.observed = (zone, id) => {
    const seen = observed(zone, id)
    if (!seen || id !== old || attached.length !== 1) return seen
    const { volume: _, ...dead } = seen
    return { ...dead, state: 'failed', accepting: false, lastError: { code: 'diverged', message: 'too far' } }
  }
  await failover(control, 'two')
  assert.deepEqual(await statusesOf(control), ['available', 'available'])
  assert.deepEqual(
    attached.map(({ image }) => image !== undefined),
    [false, true],
  )
})
