/** When commits are held for the sake of the RPO, on simulated hosts whose relays say what the test does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND_MS } from '#base/durations.ts'
import { memoryLog } from '#base/memory-log.ts'
import { GLOBAL_RPO } from '#catalog/rds-parameters.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { auroraOf } from '../../../tests/support/simulated-aurora.ts'
import {
  EAST,
  addSecondary,
  clusterIn,
  fillGlobal,
  globalShown,
  relaysSeen,
} from '../../../tests/support/simulated-global.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { commit } from '../control.ts'
import type { Endpoints } from '../endpoints.ts'
import { createParameterGroup } from '../parameter-group/parameter-groups.ts'
import { modifyParameters, resetParameters } from '../parameter-group/values.ts'
import { holdCommits } from './hold-commits.ts'
import { globalClusters } from './record.ts'
import { removeFromGlobalCluster } from './remove.ts'

const GROUP = { kind: 'cluster', name: 'careful' } as const

const rpo = (seconds: number): Parameters<typeof modifyParameters>[2] => ({
  ...GROUP,
  parameters: [{ ParameterName: GLOBAL_RPO, ParameterValue: String(seconds), ApplyMethod: 'immediate' }],
})

interface World {
  readonly control: SimulatedControl
  /** By how many milliseconds copies are behind, by volume; 'silent': its log node cannot be asked. */
  readonly behind: Map<string, number | 'silent'>
  /** The volume of the secondary that is there from the beginning. */
  readonly far: string
  /** Routes at which commits are held now. */
  readonly held: Set<string>
  /** Looks once more. */
  look(): Promise<void>
  stop(): void
}

/** With an RPO of 30 s. */
async function world(): Promise<World> {
  const control = await simulatedControl()
  await createParameterGroup(control, SCOPE, { ...GROUP, family: 'aurora-postgresql18', description: 'x', tags: [] })
  await modifyParameters(control, SCOPE, rpo(30))
  await fillGlobal(control, { DBClusterParameterGroupName: GROUP.name })
  const far = (await clusterIn(control, EAST, 'far')).record.resourceId
  const behind = new Map<string, number | 'silent'>()
  relaysSeen(control, (relay) => {
    const ms = behind.get(relay.volume) ?? 0
    if (ms === 'silent') throw new Error('its log node does not answer')
    return { ...relay, asOfMs: control.clock.now() - ms }
  })
  const held = new Set<string>()
  const endpoints = control.endpoints as { throttle: Endpoints['throttle'] }
  endpoints.throttle = async (id, delayMs) => void (delayMs > 0 ? held.add(id) : held.delete(id))
  const watch = holdCommits(control, memoryLog())
  const look = (): Promise<void> => control.clock.advance(SECOND_MS)
  await look()
  return { control, behind, far, held, look, stop: () => watch.stop() }
}

/** With commits held, since the only secondary is behind. */
async function holding(): Promise<World> {
  const w = await world()
  w.behind.set(w.far, 31_000)
  await w.look()
  assert.ok(w.held.size > 0)
  return w
}

async function assertFreed(w: World): Promise<void> {
  await w.look()
  assert.deepEqual([...w.held], [])
  w.stop()
}

test('commits are held by every way to the writer while the only secondary is behind, and no longer', async () => {
  const w = await world()
  w.behind.set(w.far, 29_000)
  await w.look()
  assert.deepEqual([...w.held], [])
  w.behind.set(w.far, 31_000)
  await w.look()
  const { resourceId, writer } = await auroraOf(w.control)
  assert.deepEqual([...w.held].sort(), [resourceId, writer!].sort())
  w.behind.set(w.far, 500)
  await assertFreed(w)
})

test('one secondary that is near enough will do', async () => {
  const w = await holding()
  await addSecondary(w.control, { ...SCOPE, region: 'eu-west-1' }, 'near')
  await assertFreed(w)
})

test('another objective, or none, is in force at the next look', async () => {
  const w = await holding()
  await modifyParameters(w.control, SCOPE, rpo(60))
  await w.look()
  assert.deepEqual([...w.held], [])
  await modifyParameters(w.control, SCOPE, rpo(20))
  await w.look()
  assert.ok(w.held.size > 0)
  await resetParameters(w.control, SCOPE, rpo(20))
  await assertFreed(w)
})

test('nobody waits for a secondary that has been removed', async () => {
  const w = await holding()
  const { GlobalClusterMembers } = await globalShown(w.control)
  const DbClusterIdentifier = GlobalClusterMembers!.find(({ IsWriter }) => !IsWriter)!.DBClusterArn
  await inTime(
    w.control,
    removeFromGlobalCluster(w.control, SCOPE, { GlobalClusterIdentifier: 'world', DbClusterIdentifier }),
  )
  await assertFreed(w)
})

test('a change of the primary is not held up', async () => {
  const w = await holding()
  const globals = globalClusters(w.control, SCOPE)
  const record = (await globals.get('world'))!
  const { primary, secondaries } = record.value
  await commit(
    w.control,
    globals.update(record, {
      ...record.value,
      switch: { status: 'pending', from: primary!, to: secondaries[0]!, isDataLossAllowed: true },
    }),
  )
  await assertFreed(w)
})

test('a secondary that cannot be asked has what it had, and after a start of serve what it may have had', async () => {
  const w = await world()
  w.behind.set(w.far, 'silent')
  await w.control.clock.advance(28 * SECOND_MS)
  assert.deepEqual([...w.held], [])
  await w.control.clock.advance(5 * SECOND_MS)
  assert.ok(w.held.size > 0)
  w.stop()
  w.held.clear()
  const again = holdCommits(w.control, memoryLog())
  await w.control.clock.advance(28 * SECOND_MS)
  assert.deepEqual([...w.held], [])
  await w.control.clock.advance(5 * SECOND_MS)
  assert.ok(w.held.size > 0)
  again.stop()
})

for (const seconds of [19, -1])
  test(`an objective of ${seconds} seconds is refused`, async () => {
    const control = await simulatedControl()
    await createParameterGroup(control, SCOPE, { ...GROUP, family: 'aurora-postgresql18', description: 'x', tags: [] })
    await assert.rejects(modifyParameters(control, SCOPE, rpo(seconds)), { name: 'InvalidParameterValue' })
  })
