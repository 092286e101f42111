import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DueQueue } from './due-queue.ts'

const anyCommand = fc.oneof(
  fc.record({ set: fc.nat(8), at: fc.nat(20) }),
  fc.record({ delete: fc.nat(8) }),
  fc.record({ take: fc.nat(20) }),
)

test('after any history it gives what is due, earliest first, and nothing that was replaced or deleted', () => {
  fc.assert(
    fc.property(fc.array(anyCommand), (commands) => {
      const queue = new DueQueue<number>()
      const model = new Map<number, number>()
      for (const command of commands) {
        if ('set' in command) {
          queue.set(command.set, command.at)
          model.set(command.set, command.at)
        } else if ('delete' in command) {
          queue.delete(command.delete)
          model.delete(command.delete)
        } else {
          const due = [...model].filter(([, at]) => at <= command.take).sort(([, a], [, b]) => a - b)
          const taken = queue.take(command.take)
          assert.deepEqual(
            taken.map((item) => model.get(item)),
            due.map(([, at]) => at),
          )
          assert.deepEqual(new Set(taken), new Set(due.map(([item]) => item)))
          for (const item of taken) model.delete(item)
        }
        assert.equal(queue.earliest, model.size > 0 ? Math.min(...model.values()) : undefined)
      }
    }),
  )
})
