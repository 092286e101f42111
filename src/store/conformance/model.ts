import type { TestContext } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SimulatedClock } from '#host/simulated-clock.ts'
import type { Op } from '../store.ts'
import { turn, type OpenStore } from './fixture.ts'

/** Few keys that are prefixes of each other, so that histories meet themselves. */
const KEYS = ['a', 'a/', 'a/1', 'a/2', 'b', 'b/1', 'ü/1', '\uFB01', '😀']

const anyOp: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('put'), key: fc.constantFrom(...KEYS), value: fc.string() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete'), key: fc.constantFrom(...KEYS) }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('delete-prefix'), prefix: fc.constantFrom('', 'a', 'a/', 'ü') }),
  },
)

const anyHistory = fc.array(
  fc.record({
    ops: fc.array(anyOp, { maxLength: 5 }),
    // Some comparisons are taken from the model and hold, the others are likely not to.
    compares: fc.array(fc.record({ key: fc.constantFrom(...KEYS), asIs: fc.boolean(), guess: fc.nat(20) }), {
      maxLength: 2,
    }),
  }),
  { maxLength: 25 },
)

/** Random commits against a map that does the same. */
export async function testModel(t: TestContext, open: OpenStore): Promise<void> {
  await fc.assert(
    fc.asyncProperty(anyHistory, async (history) => {
      const store = await open(t, new SimulatedClock())
      const watched = new Map<string, string>()
      store.watch('', 0, (changes) => {
        for (const { key, value } of changes) value === undefined ? watched.delete(key) : watched.set(key, value)
      })
      const model = new Map<string, { value: string; mod: number }>()
      for (const { ops, compares } of history) {
        const now = compares.map((c) => ({
          key: c.key,
          modRevision: c.asIs ? (model.get(c.key)?.mod ?? 0) : c.guess,
        }))
        const result = await store.commit(now, ops)
        assert.equal(
          result.committed,
          now.every((c) => (model.get(c.key)?.mod ?? 0) === c.modRevision),
        )
        if (result.committed) applyToModel(model, ops, result.revision)
      }
      const { entries } = await store.range('')
      const expected = [...model].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      assert.deepEqual(
        entries.map((e) => [e.key, { value: e.value, mod: e.modRevision }]),
        expected,
      )
      await turn()
      assert.deepEqual(watched, new Map(entries.map((e) => [e.key, e.value])))
      await store.close()
    }),
    { numRuns: 60 },
  )
}

function applyToModel(model: Map<string, { value: string; mod: number }>, ops: readonly Op[], mod: number): void {
  for (const op of ops) {
    if (op.op === 'put') model.set(op.key, { value: op.value, mod })
    else if (op.op === 'delete') model.delete(op.key)
    else for (const key of model.keys()) if (key.startsWith(op.prefix)) model.delete(key)
  }
}
