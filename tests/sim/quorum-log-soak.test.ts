/**
 * The quorum log as it ships, on virtual time: no seed may lose what was acknowledged, show what goes away, or leave a
 * volume that cannot be written. `npm run test:sim -- --minutes N` takes as many seeds as there is time for, `--seed S`
 * shows what happens in one.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seedsAsked, simulateSeeds } from './seeds.ts'
import { simulate } from './simulation.ts'

/** The same in every run, so that a failure is one of the code. */
const SEEDS = { first: 1, count: 10_000, minutes: 0 }

/** What has to have happened, or the rest proves little. */
const ESSENTIAL = [
  'acknowledged',
  'epoch',
  'changed members',
  'lost member',
  'fault: power cut',
  'fault: kill head',
  'fault: split',
  'fault: take two epochs',
  'fault: bit flip',
  'fault: prune',
  'mended member',
]

const asked = seedsAsked()

if (asked && asked.minutes === 0) {
  test(`seed ${asked.first} keeps what was acknowledged`, () => {
    const { wrong } = simulate(asked.first, { trace: (line) => console.log(line) })
    assert.deepEqual(wrong, [])
  })
} else {
  test('no seed loses what was acknowledged, whatever fails', async () => {
    const { simulated, failures, counts } = await simulateSeeds(asked ?? SEEDS)
    const sums = [...counts].map(([what, times]) => `${what} ${times}`).sort()
    console.log(`${simulated} seeds from ${(asked ?? SEEDS).first}: ${sums.join(', ')}`)
    assert.equal(
      failures.length,
      0,
      failures.map(({ seed, wrong }) => `--seed ${seed}: ${wrong.join('\n')}`).join('\n'),
    )
    for (const what of ESSENTIAL) assert.ok((counts.get(what) ?? 0) > simulated / 100, `hardly ever: ${what}`)
  })
}
