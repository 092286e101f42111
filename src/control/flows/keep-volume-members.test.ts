/** The copies of a volume on simulated hosts: what becomes of one that is lost, whatever else happens meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { DAY_MS } from '#base/durations.ts'
import { Collection } from '#store/collection.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { addInstance, auroraOf, newAurora, volumeOf } from '../../../tests/support/simulated-aurora.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { auroraKeyOf, volumeMembersSubjectOf } from '../aurora-cluster/record.ts'
import { changeInstance } from '../cluster/member-verbs.ts'
import { changeCluster } from '../cluster/verbs.ts'
import type { Hosts } from '../hosts.ts'
import { requireLogNodes, type LogNodeRecord } from '../volume/log-nodes.ts'
import { volumes } from '../volume/record.ts'
import { commit } from '../control.ts'
import { keepVolumeMembers } from './keep-volume-members.ts'

const NAMED = { DBClusterIdentifier: 'shop' }

async function cluster(instances: readonly string[] = ['one', 'two']): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await newAurora(control, 'shop')
  for (const id of instances) await addInstance(control, id)
  await whole(control, FIRST)
  return control
}

/**
 * Lets time pass until the flow comes to the step, and the row has these members. Verifiers are computed on threads of their
 * own, which no clock of a test moves.
 */
const kept = (control: SimulatedControl, step: string, members: readonly string[] = FIRST): Promise<true> =>
  eventually(`${step}, with ${members.join(', ')}`, async () => {
    for (let round = 0; round < 35; round++) await control.clock.advance(1_000)
    const isSo = (await stepOf(control)) === step && isDeepStrictEqual(await membersOf(control), members)
    return isSo ? true : undefined
  })

/** Those that a volume begins with. */
const FIRST = ['a1', 'a2', 'b1', 'b2', 'c1', 'c2']

/** The certificates of log nodes, and of the volume's heads, have only this long left. */
async function age(control: SimulatedControl, leftMs: number): Promise<number> {
  const validTill = control.clock.now() + leftMs
  const nodes = new Collection<LogNodeRecord>(control.store, 'log-node/')
  for (const held of await nodes.list())
    await commit(control, nodes.update(held, { ...held.value, certificate: { ...held.value.certificate, validTill } }))
  const { resourceId } = await auroraOf(control)
  const row = (await volumes(control, SCOPE).get(resourceId))!
  const headCertificate = { ...row.value.headCertificate!, validTill }
  await commit(control, volumes(control, SCOPE).update(row, { ...row.value, headCertificate }))
  return validTill
}

/** The copy and its folder are gone, as after the loss of a disk. */
const lose = async (control: SimulatedControl, member: string): Promise<unknown> =>
  control.hosts.ask(member[0]!, 'lognode.remove', { volume: (await volumeOf(control)).id, member })

const membersOf = async (control: SimulatedControl): Promise<string[]> =>
  (await volumeOf(control)).configuration.members.map(({ id }) => id).sort()

/** What log nodes have of the volume. */
async function copiesOf(control: SimulatedControl): Promise<string[]> {
  const { id } = await volumeOf(control)
  const looks = await Promise.all(control.hosts.zones.map((zone) => control.hosts.ask(zone, 'lognode.look', {})))
  return looks
    .flatMap(({ observed }) => observed!.members.filter(({ volume }) => volume === id).map(({ member }) => member))
    .sort()
}

async function stepOf(control: SimulatedControl): Promise<string | undefined> {
  return (await control.flows.of(volumeMembersSubjectOf(auroraKeyOf(await auroraOf(control)))))?.step
}

/** It comes to have these copies and no others, and nothing is to be done about them. */
const whole = (control: SimulatedControl, expected: readonly string[]): Promise<true> =>
  eventually(`the copies are ${expected.join(', ')}`, async () => {
    for (let round = 0; round < 35; round++) await control.clock.advance(1_000)
    const { joint } = (await volumeOf(control)).configuration
    const found = [await membersOf(control), await copiesOf(control), joint, await stepOf(control)]
    return isDeepStrictEqual(found, [expected, expected, undefined, 'watch']) ? true : undefined
  })

/** While it is so, the zone's agent is not there. */
function away(control: SimulatedControl): Set<string> {
  const zones = new Set<string>()
  const { isConnected } = control.hosts
  const hosts = control.hosts as { isConnected: Hosts['isConnected'] }
  hosts.isConnected = (zone) => !zones.has(zone) && isConnected(zone)
  return zones
}

test('a copy that is lost gives way to a new one in its zone, and another one after it', async () => {
  const control = await cluster()
  await lose(control, 'b1')
  await whole(control, ['a1', 'a2', 'b2', 'b3', 'c1', 'c2'])
  const { generation } = (await volumeOf(control)).configuration
  assert.equal(generation, 3)
  await lose(control, 'b3')
  await lose(control, 'c2')
  await whole(control, ['a1', 'a2', 'b2', 'b4', 'c1', 'c5'])
})

test('the head is told of every configuration', async () => {
  const control = await cluster()
  await lose(control, 'a2')
  await whole(control, ['a1', 'a3', 'b1', 'b2', 'c1', 'c2'])
  const { writer, configuration } = await volumeOf(control)
  const { zone } = (await auroraOf(control)).members.find(({ resourceId }) => resourceId === writer)!
  const { status } = await control.hosts.ask(zone, 'head.look', { id: writer! })
  assert.equal(status?.generation, configuration.generation)
})

test('without a writer a lost copy waits, and says so, until there is one', async () => {
  const control = await cluster()
  await inTime(control, changeCluster(control, SCOPE, 'stop', NAMED))
  await lose(control, 'b1')
  await kept(control, 'await-writer')
  await inTime(control, changeCluster(control, SCOPE, 'start', NAMED))
  await whole(control, ['a1', 'a2', 'b2', 'b3', 'c1', 'c2'])
})

test('a host that is away keeps its copies; one that is lost elsewhere is replaced meanwhile', async () => {
  const control = await cluster()
  const zones = away(control)
  zones.add('c')
  await kept(control, 'await-host')
  await lose(control, 'b1')
  await kept(control, 'await-host', ['a1', 'a2', 'b2', 'b3', 'c1', 'c2'])
  await lose(control, 'c1')
  await kept(control, 'await-host', ['a1', 'a2', 'b2', 'b3', 'c1', 'c2'])
  zones.clear()
  await whole(control, ['a1', 'a2', 'b2', 'b3', 'c2', 'c4'])
})

test('a new copy that is lost before it came in gives way to another one, under another name', async () => {
  const control = await cluster()
  const { ask } = control.hosts
  let isHeard = false
  const hosts = control.hosts as { ask: Hosts['ask'] }
  // The head says nothing of what it has.
  hosts.ask = async (zone, question, input) => {
    const answer = await ask(zone, question, input)
    const { status } = answer as { status?: object }
    return !isHeard && status ? ({ status: { ...status, configured: undefined } } as never) : answer
  }
  await lose(control, 'b1')
  await kept(control, 'join')
  await lose(control, 'b3')
  await eventually('another one is to come', async () => {
    await control.clock.advance(1_000)
    return (await volumeOf(control)).configuration.joint?.some(({ id }) => id === 'b4') ? true : undefined
  })
  isHeard = true
  await whole(control, ['a1', 'a2', 'b2', 'b4', 'c1', 'c2'])
})

test('a failover in the middle of a change goes on with it', async () => {
  const control = await cluster()
  await lose(control, 'c1')
  await inTime(control, changeCluster(control, SCOPE, 'failover', NAMED))
  await whole(control, ['a1', 'a2', 'b1', 'b2', 'c2', 'c3'])
})

test('copies that no configuration has are removed', async () => {
  const control = await cluster()
  const { id: volume } = await volumeOf(control)
  await control.hosts.ask('a', 'lognode.create', { volume, member: 'a9', start: 0 })
  await whole(control, ['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
})

test('certificates of log nodes and of heads are renewed long before they end, and nobody starts anew for it', async () => {
  const control = await cluster()
  const before = await volumeOf(control)
  const configured: string[] = []
  const { ask, startJob } = control.hosts
  const hosts = control.hosts as { ask: Hosts['ask']; startJob: Hosts['startJob'] }
  hosts.ask = (zone, question, input) => {
    if (question === 'lognode.configure') configured.push(zone)
    return ask(zone, question, input)
  }
  const told: unknown[] = []
  hosts.startJob = (zone, id, kind, input) => {
    if (kind === 'instance.reload') told.push((input as { spec: InstanceSpec }).spec.volume!.head!.tls.certificatePem)
    return startJob(zone, id, kind, input)
  }
  await age(control, 91 * DAY_MS)
  await kept(control, 'watch')
  assert.deepEqual(configured, [], 'not yet')
  const validTill = await age(control, 89 * DAY_MS)
  await eventually('the head is told', async () => {
    await control.clock.advance(1_000)
    return told.length > 0 && (await stepOf(control)) === 'watch' ? true : undefined
  })
  assert.deepEqual(configured.sort(), ['a', 'b', 'c'], 'each once')
  for (const { certificate } of await requireLogNodes(control, control.hosts.zones))
    assert.ok(certificate.validTill > validTill)
  const after = await volumeOf(control)
  assert.ok(after.headCertificate!.validTill > validTill)
  assert.deepEqual(told, [after.headCertificate!.certificatePem], 'the head has it')
  assert.equal(after.epoch, before.epoch)
})

test('a writer that starts after a long stop has a certificate that is good', async () => {
  const control = await cluster()
  await inTime(control, changeCluster(control, SCOPE, 'stop', NAMED))
  const zones = away(control)
  const validTill = await age(control, -DAY_MS)
  for (const zone of control.hosts.zones) zones.add(zone)
  const starting = changeCluster(control, SCOPE, 'start', NAMED)
  await inTime(control, starting)
  assert.ok((await volumeOf(control)).headCertificate!.validTill > validTill)
})

/** Every step but those for what goes wrong for long. */
const STEPS = Object.keys(keepVolumeMembers.steps).filter((step) => step !== 'rest')

for (const step of STEPS)
  test(`a lost copy is replaced, and keep-volume-members.${step} runs twice`, async () => {
    const control = await cluster()
    const zones = away(control)
    const lost = async (): Promise<void> => {
      const { id: volume } = await volumeOf(control)
      await control.hosts.ask('a', 'lognode.create', { volume, member: 'a9', start: 0 })
      zones.add('c')
      await kept(control, 'await-host')
      zones.clear()
      await inTime(control, changeCluster(control, SCOPE, 'stop', NAMED))
      await lose(control, 'b1')
      await kept(control, 'await-writer')
      await inTime(control, changeCluster(control, SCOPE, 'start', NAMED))
      await age(control, DAY_MS)
    }
    control.losing = `keep-volume-members.${step}`
    await lost()
    await whole(control, ['a1', 'a2', 'b2', 'b3', 'c1', 'c2'])
    await eventually('the step came', () =>
      control.losing === undefined ? true : control.clock.advance(30_000).then(() => undefined),
    )
  })

test('a deleted cluster leaves nobody who would make a copy', async () => {
  const control = await cluster(['one'])
  await lose(control, 'b1')
  await inTime(control, changeInstance(control, SCOPE, 'delete', { DBInstanceIdentifier: 'one' }))
  await inTime(control, changeCluster(control, SCOPE, 'delete', { ...NAMED, SkipFinalSnapshot: true }))
  await eventually('all flows have ended', async () => {
    await control.clock.advance(10_000)
    return (await control.flows.list()).length === 0 ? true : undefined
  })
  assert.deepEqual(await volumes(control, SCOPE).list(), [])
  for (const zone of control.hosts.zones)
    assert.deepEqual((await control.hosts.ask(zone, 'lognode.look', {})).observed!.members, [])
})
