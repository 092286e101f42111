import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SetUpLogDisk } from '../log-disk.conformance.ts'
import { assertContent } from './content.ts'
import { waited } from './waited.ts'

/** More than a real disk keeps open here, so that files give way to each other. */
const NAMES = ['a.log', 'b.log', 'c.log', 'd.log', 'e.log', 'f.log']
const FILE_BYTES = 300

const anyName = fc.constantFrom(...NAMES)
const anyStep = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('allocate' as const), name: anyName }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      name: anyName,
      offset: fc.nat(FILE_BYTES),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sync' as const), name: anyName }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), name: anyName }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), name: anyName, bytes: fc.uint8Array() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const), name: anyName }) },
)

export function testModel(setUp: SetUpLogDisk): void {
  test('whatever is done in whatever order, reads see what a map of files would have', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
        const opened = await setUp(t)
        let { disk } = opened
        const model = new Map<string, Buffer>()
        for (const step of steps) {
          const { name } = step
          if (step.do === 'allocate') {
            await waited(opened, (done) => disk.allocate(name, FILE_BYTES, done))
            model.set(name, Buffer.alloc(FILE_BYTES))
          } else if (step.do === 'replace') {
            await waited(opened, (done) => disk.replace(name, step.bytes, done))
            model.set(name, Buffer.from(step.bytes))
          } else if (step.do === 'remove') {
            disk.remove(name)
            model.delete(name)
          } else if (step.do === 'reopen') {
            disk = opened.reopen()
          } else if (step.do === 'write') {
            disk.write(name, step.offset, step.bytes)
            const before = model.get(name) ?? Buffer.alloc(0)
            const after = Buffer.alloc(Math.max(before.length, step.offset + step.bytes.length))
            before.copy(after)
            after.set(step.bytes, step.offset)
            model.set(name, after)
          } else if (model.has(name)) {
            await waited(opened, (done) => disk.sync(name, done))
          }
          assert.deepEqual(disk.names(), [...model.keys()].sort())
        }
        for (const [name, bytes] of model) {
          assertContent(disk.load(name)!, bytes)
          assertContent(disk.read(name, 0, bytes.length), bytes)
        }
      }),
      { numRuns: 25 },
    )
  })
}
