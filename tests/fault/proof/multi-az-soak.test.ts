/**
 * Two copies in two zones, under every fault that either can meet: nothing that was acknowledged is lost, no promise of
 * isolation is broken, one address stays, and both copies are there again without a person.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { discard } from '../../support/holdfast.ts'
import { Deployment } from './deployment.ts'
import { proveHuge } from './huge-transaction.ts'
import { multiAzFaults } from './multi-az-faults.ts'
import { Network } from './network.ts'
import { networkFaults } from './network-faults.ts'
import { proofAsked, prove } from './rounds.ts'

const asked = proofAsked()
let world: Deployment
let network: Network

before(async () => {
  network = await Network.create()
  // Failovers come one after the other here: none is put off because of the one before.
  world = await Deployment.create({ MultiAZ: true }, { ...network.env, HOLDFAST_FAILOVER_PAUSE_MS: '0' })
  await network.take(world)
})
after(async () => {
  await discard(world.serve)
  await network.close()
})

test(`a Multi-AZ instance keeps its promises under faults, seed ${asked.seed}`, async () => {
  assert.deepEqual(await prove(world, [...multiAzFaults, ...networkFaults(() => network)], asked), [])
})

test('a huge transaction over a failover is there as a whole or not at all', async () => {
  const isSoak = asked.minutes > 0
  const moments = isSoak ? (['halfway', 'at the commit', 'after the commit'] as const) : (['at the commit'] as const)
  assert.deepEqual(await proveHuge(world, moments, isSoak ? 400 : 20), [])
})
