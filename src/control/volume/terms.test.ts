import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newVolume, replaceMember } from './configuration.ts'
import { seeded } from './epochs.ts'
import { newMembers, placesOf, volumeTerms, type Door } from './terms.ts'

const DOORS: readonly Door[] = ['a', 'b', 'c'].map((zone, i) => ({
  zone,
  node: `node-${zone}`,
  door: { host: '127.0.0.1', port: 5000 + i },
}))

const SEED = { imageId: 'seed-1', systemId: '7300000000000000001', epoch: 1, start: 16_777_216, end: 16_777_400 }
const fresh = newVolume('cluster-1', ['a', 'b', 'c'])

test('log nodes are told where every copy is, also of one that is to come', () => {
  const places = placesOf(replaceMember(fresh, 'b1'), DOORS)
  assert.deepEqual(
    places.map(({ member, node, port }) => `${member}@${node}:${port}`),
    [
      'a1@node-a:5000',
      'a2@node-a:5000',
      'b1@node-b:5001',
      'b2@node-b:5001',
      'c1@node-c:5002',
      'c2@node-c:5002',
      'b3@node-b:5001',
    ],
  )
  assert.throws(() => placesOf(fresh, DOORS.slice(1)), /no log node in zone a/)
})

test('readers come in as the volume, once it is known which database it is', () => {
  const terms = { doors: DOORS, verifier: 'SCRAM-SHA-256$…' }
  assert.equal(volumeTerms(fresh, terms).readers, undefined)
  assert.deepEqual(volumeTerms(seeded(fresh, SEED), terms).readers, {
    verifier: terms.verifier,
    systemId: SEED.systemId,
  })
})

test('each zone makes its two copies, which begin with the log of the seed image', () => {
  assert.deepEqual(
    newMembers(fresh, { seed: SEED, zone: 'c' }),
    ['c1', 'c2'].map((member) => ({ volume: 'cluster-1', member, seed: 'seed-1' })),
  )
})
