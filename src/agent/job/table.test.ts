import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryLog } from '#base/memory-log.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { memoryStore } from '#store/memory-store.ts'
import { JOBS_MAX } from '../limits.ts'
import type { JobContext } from './job.ts'
import { JobTable } from './table.ts'
import { Turns } from './turns.ts'

function table(store = memoryStore(new SimulatedClock())) {
  const turns = new Turns()
  const runs: AbortSignal[] = []
  const jobs = new JobTable({
    store,
    clock: new SimulatedClock(),
    log: memoryLog(),
    turns,
    async run(_kind, _input, { signal }: JobContext) {
      runs.push(signal)
      signal.throwIfAborted()
      return { result: {} }
    },
    onAccepted: () => {},
    onEnded: () => {},
    onView: () => {},
  })
  return { jobs, turns, runs, store }
}

const removal = { id: 'db-A' }

test('a job that an earlier agent began gets its run even if it is cancelled while it waits', async () => {
  const { jobs, turns, runs, store } = table()
  const record = { state: 'running', kind: 'instance.remove', input: removal }
  await store.commit([], [{ op: 'put', key: 'job/old', value: JSON.stringify(record) }])
  const before = Promise.withResolvers<void>()
  const held = turns.run('instance/db-A', new AbortController().signal, () => before.promise)
  jobs.resume(await jobs.load())
  await jobs.start('new', 'instance.remove', removal)
  const cancelled = jobs.cancel('')
  before.resolve()
  await Promise.all([held, cancelled])
  // The new one had begun nothing, so it need not run.
  assert.deepEqual(
    runs.map((signal) => signal.aborted),
    [true],
  )
  for (const id of ['old', 'new']) {
    const view = jobs.view(id)
    assert.equal(view.state === 'failed' && view.error.code, 'cancelled')
  }
})

test('the table has an end', async () => {
  const { jobs } = table()
  for (let i = 0; i < JOBS_MAX; i++) await jobs.start(`j${i}`, 'engine.prepare', {})
  await assert.rejects(jobs.start('one too many', 'engine.prepare', {}), { name: 'Trouble', retryable: true })
  await jobs.cancel('')
  await jobs.forget('j1')
  await jobs.start('now', 'engine.prepare', {})
})
