/** Who may say that a writer is lost: by simulated clusters whose hosts answer as the test tells. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND_MS } from '#base/durations.ts'
import { memoryLog } from '#base/memory-log.ts'
import { addInstance, auroraOf, newAurora, volumeOf, writerOf } from '../../../tests/support/simulated-aurora.ts'
import { eventsOf } from '../../../tests/support/simulated-cluster.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { commit } from '../control.ts'
import type { Hosts } from '../hosts.ts'
import { auroraKeyOf } from './record.ts'
import { startAuroraRecovery } from './start-recovery.ts'
import { watchAuroraWriters } from './watch-writers.ts'

interface World {
  readonly control: SimulatedControl
  /** Zones whose agents are connected. */
  readonly connected: Set<string>
  /** Of the connected ones: those that answer nothing. */
  readonly mute: Set<string>
  /** What a zone finds at the writer's address. */
  readonly found: Map<string, { answers: boolean; isLate: boolean }>
  /** The writer's own agent says that its engine does not answer. */
  isSilent: boolean
  stop(): void
}

const SILENCE = { answers: false, isLate: false }

async function world(): Promise<World> {
  const control = await simulatedControl()
  await newAurora(control, 'shop')
  for (const id of ['one', 'two', 'two-b']) await addInstance(control, id)
  const writer = (await auroraOf(control)).writer
  const hosts = control.hosts as { -readonly [K in keyof Hosts]: Hosts[K] }
  const { ask, observed } = control.hosts
  const connected = new Set(hosts.zones)
  const w: World = { control, connected, mute: new Set(), found: new Map(), isSilent: false, stop: () => watch.stop() }
  hosts.isConnected = (zone) => connected.has(zone)
  hosts.hangUp = (zone) => void connected.delete(zone)
  hosts.observed = (zone, id) => {
    const seen = observed(zone, id)
    return seen && id === writer && w.isSilent ? { ...seen, isSilent: true } : seen
  }
  hosts.ask = (async (zone, question, input) => {
    if (w.mute.has(zone)) return new Promise(() => {})
    const found = question === 'engine.answers' ? w.found.get(zone) : undefined
    return found ?? ask(zone, question, input)
  }) as Hosts['ask']
  const watch = watchAuroraWriters(control, memoryLog())
  return w
}

async function seconds({ control }: World, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await control.clock.advance(SECOND_MS)
}

const epochOf = async ({ control }: World): Promise<number> => (await volumeOf(control)).epoch

test('a writer whose host is lost is followed by a reader once no other host hears its engine', async () => {
  const w = await world()
  w.connected.delete('a')
  await seconds(w, 10)
  assert.equal(await writerOf(w.control), 'one', 'an agent that is gone is no loss as long as the engine answers')
  for (const zone of ['b', 'c']) w.found.set(zone, SILENCE)
  await seconds(w, 10)
  assert.equal(await writerOf(w.control), 'two')
  assert.match((await eventsOf(w.control, 'db-cluster')).join(), /0073,0071$/)
  w.stop()
})

test('a host that does nothing any more counts as lost, and is hung up on', async () => {
  const w = await world()
  w.mute.add('a')
  await seconds(w, 10)
  assert.ok(w.connected.has('a'), 'nobody asks an agent whose engine is heard')
  for (const zone of ['b', 'c']) w.found.set(zone, SILENCE)
  await seconds(w, 15)
  assert.equal(w.connected.has('a'), false)
  assert.equal(await writerOf(w.control), 'two')
  w.stop()
})

test('an engine that hangs is lost when its own agent and the others say so, and not before', async () => {
  const w = await world()
  const epoch = await epochOf(w)
  for (const zone of ['b', 'c']) w.found.set(zone, SILENCE)
  await seconds(w, 10)
  assert.equal(await epochOf(w), epoch, 'its own agent gets an answer')
  w.found.clear()
  w.isSilent = true
  await seconds(w, 10)
  assert.equal(await epochOf(w), epoch, 'others get an answer')
  for (const zone of ['b', 'c']) w.found.set(zone, SILENCE)
  await seconds(w, 10)
  assert.equal(await writerOf(w.control), 'two')
  w.stop()
})

test('silence says nothing to a host that is too busy to listen, nor where there is no witness', async () => {
  const w = await world()
  const epoch = await epochOf(w)
  w.connected.delete('a')
  for (const zone of ['b', 'c']) w.found.set(zone, { answers: false, isLate: true })
  await seconds(w, 10)
  for (const zone of ['b', 'c']) w.connected.delete(zone)
  await seconds(w, 10)
  assert.equal(await epochOf(w), epoch)
  w.stop()
})

/** As when serve has just started, and of the agents only the writer's has come yet. */
async function recoverEarly(w: World): Promise<void> {
  for (const zone of ['b', 'c']) w.connected.delete(zone)
  const recovery = await startAuroraRecovery(w.control, auroraKeyOf(await auroraOf(w.control)), 'The test says so.')
  await commit(w.control, recovery!.writes)
  w.control.flows.wake(recovery!.id)
  await w.control.clock.advance(SECOND_MS / 2)
}

test('a recovery waits a moment for readers whose hosts have not come yet', async () => {
  const w = await world()
  await recoverEarly(w)
  w.connected.add('b')
  await seconds(w, 5)
  assert.notEqual(await writerOf(w.control), 'one')
  w.stop()
})

test('where no host of a reader comes the writer is started again', async () => {
  const w = await world()
  const before = await epochOf(w)
  await recoverEarly(w)
  assert.equal(await epochOf(w), before)
  await seconds(w, 10)
  assert.equal(await writerOf(w.control), 'one')
  assert.ok((await epochOf(w)) > before)
  w.stop()
})
