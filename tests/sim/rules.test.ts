/**
 * The simulator finds mistakes: each rule of the quorum log that is left out costs something within so many seeds, and so
 * do mistakes in what surrounds the members. A simulator that finds nothing here proves nothing elsewhere.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogDisk, MemberSurroundings } from '#volume/ports.ts'
import { simulate } from './simulation.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import type { Mistakes } from './world.ts'

interface Mistake {
  readonly what: string
  readonly mistakes: Mistakes
  /** Several times what it takes, as far as is known. */
  readonly seeds: number
}

const MISTAKES: readonly Mistake[] = [
  { what: 'logs are compared by length alone', mistakes: { rules: { comparesEpochs: false } }, seeds: 500 },
  { what: 'an epoch begins with two members heard', mistakes: { rules: { seal: 2 } }, seeds: 500 },
  { what: 'three copies are enough', mistakes: { rules: { write: 3 } }, seeds: 200 },
  {
    what: 'bytes of earlier epochs are made durable by counting',
    mistakes: { rules: { waitsForEpochStart: false } },
    seeds: 1_500,
  },
  { what: 'members say that bytes are on the disk that are not', mistakes: { around: lying }, seeds: 200 },
  { what: 'members answer before their promise is on the disk', mistakes: { around: hasty }, seeds: 200 },
  {
    what: 'log is let go of that a member lacks',
    mistakes: { prunesBlindly: true },
    seeds: 300,
  },
  { what: 'readers are fed what is not durable', mistakes: { feedsTooMuch: true }, seeds: 300 },
]

for (const { what, mistakes, seeds } of MISTAKES) {
  test(`within ${seeds} seeds something is wrong where ${what}`, () => {
    for (let seed = 1; seed <= seeds; seed++) {
      // Whatever it is: without the mistake nothing is wrong with these seeds.
      const [found] = simulate(seed, { mistakes }).wrong
      if (found === undefined) continue
      console.log(`${what}: seed ${seed}: ${found.split('\n')[0]}`)
      return
    }
    assert.fail('nothing was found')
  })
}

function lying(around: MemberSurroundings): MemberSurroundings {
  assert(around.disk instanceof SimulatedDisk)
  around.disk.lies = true
  return around
}

function hasty(around: MemberSurroundings): MemberSurroundings {
  const { disk, clock } = around
  const eager: LogDisk = {
    names: () => disk.names(),
    load: (name) => disk.load(name),
    read: (name, offset, count) => disk.read(name, offset, count),
    write: (name, offset, bytes) => disk.write(name, offset, bytes),
    sync: (name, done) => disk.sync(name, done),
    allocate: (name, bytes, done) => disk.allocate(name, bytes, done),
    remove: (name) => disk.remove(name),
    replace(name, bytes, done) {
      if (!disk.load(name)) return disk.replace(name, bytes, done)
      clock.after(0, done)
      clock.after(300, () => disk.replace(name, bytes, () => {}))
    },
  }
  return { ...around, disk: eager }
}
