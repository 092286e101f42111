/**
 * One engine in one zone, under every fault that its processes can meet and what a person may do to it meanwhile: nothing that was acknowledged is lost, no
 * promise of isolation is broken, and everything is as it was without a person.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { discard, eventually } from '../../support/holdfast.ts'
import { Deployment } from './deployment.ts'
import { singleAzFaults } from './faults.ts'
import { operations } from './operations.ts'
import { SeededRandom } from '../../support/random.ts'
import { proofAsked, prove } from './rounds.ts'
import { Session } from './session.ts'
import { startTraffic } from './traffic.ts'
import { listAppend } from './workloads/list-append.ts'

const asked = proofAsked()
let world: Deployment

before(async () => {
  world = await Deployment.create()
})
after(() => discard(world.serve))

/** Faults or not, some of these must show, or the traffic would not see what it looks for. */
const SOWN = [
  { isolation: 'REPEATABLE READ', model: 'serializable', shows: /: G2/ },
  { isolation: 'READ COMMITTED', model: 'snapshot-isolation', shows: /: (internal|G-single|G-nonadjacent)/ },
] as const

for (const [n, { isolation, model, shows }] of SOWN.entries())
  test(`traffic under ${isolation} is seen not to be ${model}`, async () => {
    const endpoint = world.endpoint('postgres')
    const workload = listAppend({ isolation, model, table: `sown_${n}` })
    const random = new SeededRandom(asked.seed)
    const traffic = await startTraffic({ workloads: [workload], endpoint, clientsEach: 8, random })
    await eventually('enough transactions', () => (traffic.acknowledged()[0]! > 600 ? true : undefined))
    await traffic.stop()
    const session = new Session(endpoint)
    assert.match((await workload.judge(session)).join('\n'), shows)
    await session.close()
  })

test(`a single-AZ instance keeps its promises under faults, seed ${asked.seed}`, async () => {
  assert.deepEqual(await prove(world, [...singleAzFaults, ...operations], asked), [])
})
