import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { Spares } from './spares.ts'
import type { Surroundings } from './surroundings.ts'

interface Shelf {
  readonly surroundings: Surroundings
  readonly template: string
  readonly targets: string
  ready(): string[]
}

function shelf(t: TestContext): Shelf {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-spares-'))
  t.after(() => rmSync(root, { recursive: true }))
  const template = join(root, 'engines', 'postgres', 'templates', '18.4-r1', 'data')
  const targets = join(root, 'instances')
  mkdirSync(join(template, 'base'), { recursive: true })
  mkdirSync(targets)
  writeFileSync(join(template, 'PG_VERSION'), '18\n')
  writeFileSync(join(template, 'base', '1'), 'table')
  const spares = join(root, 'engines', 'postgres', 'spares')
  return {
    surroundings: {
      enginesFolder: join(root, 'engines'),
      account: undefined,
      adminPassword: '',
      gatePassword: '',
      clock: systemClock,
      random: systemRandom,
      env: {},
    },
    template,
    targets,
    ready: () => {
      try {
        return readdirSync(spares).filter((name) => !name.startsWith('.'))
      } catch {
        return []
      }
    },
  }
}

const hasSpare = ({ ready }: Shelf): Promise<true> =>
  eventually('a spare', () => (ready().length === 1 ? true : undefined))

test('an instance takes the spare as it is, and another is made for the next', async (t) => {
  const s = shelf(t)
  const spares = new Spares(s.surroundings)
  spares.want(s.template)
  await hasSpare(s)
  const [first] = s.ready()
  const target = join(s.targets, 'one')
  assert.equal(await spares.around(s.template, target, async (taken) => taken), true)
  assert.equal(readFileSync(join(target, 'base', '1'), 'utf8'), 'table')
  assert.equal(spares.wasSpare(target), true)
  await eventually('the next spare', () => (s.ready().length === 1 && s.ready()[0] !== first ? true : undefined))
})

test('without a spare the instance has to be copied', async (t) => {
  const s = shelf(t)
  const spares = new Spares(s.surroundings)
  const target = join(s.targets, 'one')
  assert.equal(await spares.around(s.template, target, async (taken) => taken), false)
  assert.equal(spares.wasSpare(target), false)
  await hasSpare(s)
})

test('of several at once, on one shelf, one has the spare', async (t) => {
  const s = shelf(t)
  const agents = [new Spares(s.surroundings), new Spares(s.surroundings), new Spares(s.surroundings)]
  agents[0]!.want(s.template)
  await hasSpare(s)
  const taken = await Promise.all(
    agents.map((spares, n) => spares.around(s.template, join(s.targets, `i${n}`), async (took) => took)),
  )
  assert.equal(taken.filter(Boolean).length, 1)
})
