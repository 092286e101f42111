import { test } from 'node:test'
import assert from 'node:assert/strict'
import { HOUR_MS } from '#base/durations.ts'
import { Trouble } from '#base/trouble.ts'
import { bench, putting, seededRandom, type Facts } from './run/fixture.ts'
import { done, flow, go, wait } from './flow.ts'
import { createFlowRunner, OUTCOME_UNKNOWN, SUPERSEDED } from './runner.ts'

const trouble = (retryable: boolean): Trouble => new Trouble('host gone', { culprit: 'peer', retryable })

/** A promise that a test settles. */
function gate() {
  let open!: () => void
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open, opened }
}

test('a flow runs its steps in order; writes, subject and row change with each step in one commit', async (t) => {
  const two = flow<Facts, 'first' | 'second'>(
    'two',
    { exhausted: 'second' },
    {
      first: async () => go('second', putting('a')),
      second: async () => done('good', putting('b')),
    },
  )
  const { begin, flows, store, log } = await bench(t, [two])
  const before = (await store.range('')).revision
  const id = await begin('two')
  assert.equal(await flows.ended(id), 'good')
  const { entries, revision } = await store.range('')
  assert.deepEqual(
    entries.map((e) => [e.key, e.modRevision - before]),
    [
      ['a', 2],
      ['b', 3],
      ['flow-runner', 0],
    ],
  )
  assert.equal(revision, before + 3)
  assert.deepEqual(log.complaints, [])
  assert.equal(await flows.ended(id), 'good', 'who asks late hears it too')
})

test('a step learns its input, its subject, and how often it failed', async (t) => {
  const seen: Facts[] = []
  const teller = flow<Facts, 'only'>(
    'teller',
    { exhausted: 'only' },
    {
      only: async (c) => {
        seen.push(c)
        if (c.failures < 2) throw trouble(true)
        return done('ok')
      },
    },
  )
  const { begin, clock } = await bench(t, [teller])
  await begin('teller', 'thing/1', { size: 3 })
  await clock.advance(1_000)
  assert.deepEqual(
    seen.map((f) => [f.input, f.subject, f.failures, f.lastError]),
    [
      [{ size: 3 }, 'thing/1', 0, undefined],
      [{ size: 3 }, 'thing/1', 1, 'host gone'],
      [{ size: 3 }, 'thing/1', 2, 'host gone'],
    ],
  )
})

test('a subject has one flow at a time', async (t) => {
  const waiter = flow<Facts, 'only'>('waiter', { exhausted: 'only' }, { only: async () => wait() })
  const { begin, flows } = await bench(t, [waiter])
  const id = await begin('waiter')
  await assert.rejects(begin('waiter'), /flow-subject\/thing\/1/)
  assert.equal((await flows.of('thing/1'))!.id, id)
  assert.deepEqual(
    (await flows.list()).map((f) => [f.id, f.name, f.step]),
    [[id, 'waiter', 'only']],
  )
})

test('a waiting step runs again when it is woken, by id or by subject, and when its time is up', async (t) => {
  let runs = 0
  const waiter = flow<Facts, 'only'>(
    'waiter',
    { exhausted: 'only', policy: { deadlineMs: HOUR_MS } },
    {
      only: async () => (++runs, wait({ timeoutMs: 1_000 })),
    },
  )
  const { begin, flows, clock, settle } = await bench(t, [waiter])
  const id = await begin('waiter')
  await settle()
  assert.equal(runs, 1)
  flows.wake(id)
  await settle()
  assert.equal(runs, 2)
  flows.wakeSubjects('thin')
  flows.wakeSubjects('other')
  await settle()
  assert.equal(runs, 3)
  await clock.advance(999)
  assert.equal(runs, 3)
  await clock.advance(1)
  assert.equal(runs, 4)
})

test('a wake-up during the step makes it run again at once', async (t) => {
  const looking = gate()
  let runs = 0
  const waiter = flow<Facts, 'only'>(
    'waiter',
    { exhausted: 'only' },
    {
      only: async () => {
        if (++runs > 1) return done('seen')
        await looking.opened
        return wait()
      },
    },
  )
  const { begin, flows, settle } = await bench(t, [waiter])
  const id = await begin('waiter')
  await settle()
  flows.wake(id)
  looking.open()
  assert.equal(await flows.ended(id), 'seen')
  assert.equal(runs, 2)
})

test('a step that throws is tried again after growing pauses, then the flow goes to its last resort', async (t) => {
  const at: number[] = []
  let why: string | undefined
  const failing = flow<Facts, 'try' | 'abandon'>(
    'failing',
    { exhausted: 'abandon', policy: { attemptsMax: 5 } },
    {
      try: async () => {
        at.push(clock.now())
        throw trouble(true)
      },
      abandon: async (c) => ((why = c.lastError), done('failed')),
    },
  )
  const { begin, flows, clock, log } = await bench(t, [failing])
  const id = await begin('failing')
  await clock.advance(20_000)
  assert.equal(await flows.ended(id), 'failed')
  const pauses = at.slice(1).map((time, i) => time - at[i]!)
  assert.equal(pauses.length, 4)
  for (const [i, pause] of pauses.entries()) assert.ok(pause >= 50 * 2 ** i && pause <= 100 * 2 ** i, `pause ${pause}`)
  assert.equal(why, 'host gone')
  assert.deepEqual(log.complaints, ['a flow gives up its step'])
})

test('a trouble that is not retryable goes to the last resort at once', async (t) => {
  let runs = 0
  const hopeless = flow<Facts, 'try' | 'abandon'>(
    'hopeless',
    { exhausted: 'abandon' },
    {
      try: async () => {
        runs++
        throw trouble(false)
      },
      abandon: async () => done('failed'),
    },
  )
  const { begin, flows } = await bench(t, [hopeless])
  assert.equal(await flows.ended(await begin('hopeless')), 'failed')
  assert.equal(runs, 1)
})

test('a step that waits beyond its deadline is looked at a last time, and left', async (t) => {
  let runs = 0
  const slow = flow<Facts, 'linger' | 'abandon'>(
    'slow',
    { exhausted: 'abandon', steps: { linger: { deadlineMs: 5_000 } } },
    {
      linger: async () => (runs++, wait({ timeoutMs: HOUR_MS }, putting('lingered', String(runs)))),
      abandon: async (c) => done(c.lastError!),
    },
  )
  const { begin, flows, clock, store } = await bench(t, [slow])
  const id = await begin('slow')
  await clock.advance(4_999)
  assert.equal(runs, 1)
  await clock.advance(1)
  assert.equal(await flows.ended(id), 'linger did not finish within 5 seconds')
  assert.equal((await store.get('lingered'))!.value, '2')
})

test('a last resort that throws is tried for ever, and after a while each time is an error', async (t) => {
  let runs = 0
  const doomed = flow<Facts, 'try' | 'abandon'>(
    'doomed',
    { exhausted: 'abandon' },
    {
      try: async () => {
        throw trouble(false)
      },
      abandon: async () => {
        if (++runs < 40) throw trouble(false)
        return done('at last')
      },
    },
  )
  const { begin, flows, clock, log } = await bench(t, [doomed])
  const id = await begin('doomed')
  await clock.advance(HOUR_MS)
  assert.equal(await flows.ended(id), 'at last')
  assert.equal(runs, 40)
  assert.equal(log.lines.filter((l) => l.level === 'error').length, 39 - 5)
})

test('a step that lost against another writer decides again, without counting it as a failure', async (t) => {
  const rmw = flow<Facts, 'only'>(
    'rmw',
    { exhausted: 'only' },
    {
      only: async (c) => {
        const entry = await store.get('counter')
        if (entry!.value === '0') await store.commit([], [{ op: 'put', key: 'counter', value: '10' }])
        const next = String(Number(entry!.value) + 1)
        const compare = { key: 'counter', modRevision: entry!.modRevision }
        return done(`failures ${c.failures}`, {
          compares: [compare],
          ops: [{ op: 'put', key: 'counter', value: next }],
        })
      },
    },
  )
  const { begin, flows, store } = await bench(t, [rmw])
  await store.commit([], [{ op: 'put', key: 'counter', value: '0' }])
  assert.equal(await flows.ended(await begin('rmw')), 'failures 0')
  assert.equal((await store.get('counter'))!.value, '11')
})

test('a step that always conflicts fails in the end instead of spinning', async (t) => {
  const wrong = flow<Facts, 'write' | 'abandon'>(
    'wrong',
    { exhausted: 'abandon', policy: { attemptsMax: 2 } },
    {
      write: async () => done('never', { compares: [{ key: 'absent', modRevision: 99 }], ops: [] }),
      abandon: async (c) => done(c.lastError!),
    },
  )
  const { begin, flows, clock } = await bench(t, [wrong])
  const id = await begin('wrong')
  await clock.advance(1_000)
  assert.match(await flows.ended(id), /20 conflicts in a row, the last one on absent/)
})

test('writes that no store takes count as a failure of the step', async (t) => {
  const wrong = flow<Facts, 'write' | 'abandon'>(
    'wrong',
    { exhausted: 'abandon', policy: { attemptsMax: 1 } },
    {
      write: async () => go('abandon', putting('')),
      abandon: async (c) => done(c.lastError!),
    },
  )
  const { begin, flows } = await bench(t, [wrong])
  assert.equal(await flows.ended(await begin('wrong')), 'a key must not be empty')
})

test('a superseded flow commits nothing more, and its successor begins only when its step has returned', async (t) => {
  const inside = gate()
  const order: string[] = []
  const create = flow<Facts, 'only'>(
    'create',
    { exhausted: 'only' },
    {
      only: async () => {
        order.push('create begins')
        await inside.opened
        order.push('create returns')
        return done('created', putting('created'))
      },
    },
  )
  const remove = flow<Facts, 'only'>(
    'remove',
    { exhausted: 'only' },
    {
      only: async () => (order.push('remove runs'), done('removed')),
    },
  )
  const { begin, flows, store, settle } = await bench(t, [create, remove])
  const first = await begin('create')
  await settle()
  const { id, writes } = await flows.supersede('remove', 'thing/1', {})
  assert.ok((await store.commit(writes.compares, writes.ops)).committed)
  await settle()
  assert.deepEqual(order, ['create begins'])
  inside.open()
  assert.equal(await flows.ended(id), 'removed')
  assert.equal(await flows.ended(first), SUPERSEDED)
  assert.deepEqual(order, ['create begins', 'create returns', 'remove runs'])
  assert.equal(await store.get('created'), undefined)
  assert.equal(await flows.of('thing/1'), undefined)
})

test('a waiting flow that is superseded ends at once, and two who supersede at the same time do not both win', async (t) => {
  const waiter = flow<Facts, 'only'>('waiter', { exhausted: 'only' }, { only: async () => wait() })
  const { begin, flows, store, settle } = await bench(t, [waiter])
  const first = await begin('waiter')
  await settle()
  const one = await flows.supersede('waiter', 'thing/1', {})
  const other = await flows.supersede('waiter', 'thing/1', {})
  assert.ok((await store.commit(one.writes.compares, one.writes.ops)).committed)
  assert.ok(!(await store.commit(other.writes.compares, other.writes.ops)).committed)
  assert.equal(await flows.ended(first), SUPERSEDED)
  assert.equal((await flows.of('thing/1'))!.id, one.id)
  assert.equal(await flows.ended(other.id), OUTCOME_UNKNOWN)
})

test('the last step of a flow may hand its subject to the next flow', async (t) => {
  const first = flow<Facts, 'only'>(
    'first',
    { exhausted: 'only' },
    {
      only: async (c) => done('over', (await flows.supersede('second', c.subject, {})).writes),
    },
  )
  const second = flow<Facts, 'only'>('second', { exhausted: 'only' }, { only: async () => wait() })
  const { begin, flows } = await bench(t, [first, second])
  assert.equal(await flows.ended(await begin('first')), 'over')
  assert.equal((await flows.of('thing/1'))!.name, 'second')
})

test('a flow that this version does not know is reported and left alone', async (t) => {
  const known = flow<Facts, 'only'>('known', { exhausted: 'only' }, { only: async () => done('ok') })
  const { flows, store, clock, log, begin } = await bench(t, [known])
  const later = flow<Facts, 'only'>('later', { exhausted: 'only' }, { only: async () => done('ok') })
  const newer = createFlowRunner({
    ...{ store, clock, log },
    random: seededRandom(9),
    definitions: [later],
    contextOf: (f) => f,
  })
  const { id, writes } = newer.start('later', 'thing/9', {})
  await store.commit(writes.compares, writes.ops)
  assert.equal(await flows.ended(await begin('known')), 'ok')
  flows.wake(id)
  assert.equal((await flows.of('thing/9'))!.name, 'later')
  assert.deepEqual(log.complaints, ['a flow is at a step that this version does not have; it stays as it is'])
})

test('one runner of a store works, the next stands by and takes over when it halts', async (t) => {
  const ran: string[] = []
  const waiter = flow<Facts, 'only'>('waiter', { exhausted: 'only' }, { only: async () => wait() })
  const { begin, flows, store, clock, log, settle } = await bench(t, [waiter])
  const standBy = createFlowRunner({
    ...{ store, clock, log, random: seededRandom(2) },
    definitions: [{ ...waiter, steps: { only: async () => (ran.push('other'), done('by the other')) } }],
    contextOf: (facts) => facts,
  })
  await standBy.run()
  t.after(() => standBy.halt())
  const id = await begin('waiter')
  await clock.advance(120_000)
  assert.deepEqual(ran, [])
  await flows.halt()
  await settle()
  assert.equal(await standBy.ended(id), 'by the other')
})

test('a runner that lost its claim unnoticed commits nothing with it, and goes on once it has it again', async (t) => {
  const inside = gate()
  let runs = 0
  const slow = flow<Facts, 'only'>(
    'slow',
    { exhausted: 'only' },
    {
      only: async () => {
        if (++runs === 1) await inside.opened
        return done(`run ${runs}`)
      },
    },
  )
  const { begin, flows, store, settle, log } = await bench(t, [slow])
  const id = await begin('slow')
  await settle()
  await store.commit([], [{ op: 'delete', key: 'flow-runner' }])
  inside.open()
  assert.equal(await flows.ended(id), 'run 2')
  assert.deepEqual(log.complaints, ['lost the claim to the flows'])
})

test('halting waits for the running step and starts no other', async (t) => {
  const inside = gate()
  const ran: string[] = []
  const two = flow<Facts, 'first' | 'second'>(
    'two',
    { exhausted: 'second' },
    {
      first: async () => (await inside.opened, ran.push('first'), go('second')),
      second: async () => (ran.push('second'), done('ok')),
    },
  )
  const { begin, flows, settle } = await bench(t, [two])
  await begin('two')
  await settle()
  const halted = flows.halt()
  inside.open()
  await halted
  assert.deepEqual(ran, ['first'])
  assert.equal((await flows.of('thing/1'))!.step, 'second')
})

test('a step that hangs is reported', async (t) => {
  const stuck = flow<Facts, 'only'>(
    'stuck',
    { exhausted: 'only' },
    {
      only: () => new Promise(() => {}),
    },
  )
  const { begin, clock, log } = await bench(t, [stuck])
  await begin('stuck')
  await clock.advance(HOUR_MS / 6)
  assert.ok(log.complaints.includes('a step hangs'))
  // Lets the end of the test not wait for it.
  t.mock.method(clock, 'sleep', async () => {})
})

test('a thousand flows run, a bounded number of steps at once', async (t) => {
  let now = 0
  let most = 0
  const busy = flow<Facts, 'only'>(
    'busy',
    { exhausted: 'only' },
    {
      only: async () => {
        most = Math.max(most, ++now)
        await new Promise((resolve) => setImmediate(resolve))
        now--
        return done('ok')
      },
    },
  )
  const { begin, flows } = await bench(t, [busy])
  const ids = await Promise.all(Array.from({ length: 1_000 }, (_, i) => begin('busy', `thing/${i}`)))
  assert.deepEqual(new Set(await Promise.all(ids.map((id) => flows.ended(id)))), new Set(['ok']))
  assert.equal(most, 64)
})

test('a row that another writer moved on while its step ran is taken as it is now', async (t) => {
  const inside = gate()
  const three = flow<Facts, 'first' | 'second' | 'third'>(
    'three',
    { exhausted: 'third' },
    {
      first: async () => (await inside.opened, go('second')),
      second: async () => done('second'),
      third: async () => done('third'),
    },
  )
  const { begin, flows, store, settle } = await bench(t, [three])
  const id = await begin('three')
  await settle()
  const entry = (await store.get(`flow/${id}`))!
  const moved = { ...(JSON.parse(entry.value) as object), step: 'third' }
  await store.commit([], [{ op: 'put', key: entry.key, value: JSON.stringify(moved) }])
  inside.open()
  assert.equal(await flows.ended(id), 'third')
})

test('a removed flow commits nothing more and leaves its subject free', async (t) => {
  const inside = gate()
  const slow = flow<Facts, 'only'>(
    'slow',
    { exhausted: 'only' },
    { only: async () => (await inside.opened, done('ran', putting('written'))) },
  )
  const { begin, flows, store, settle } = await bench(t, [slow])
  const id = await begin('slow')
  await settle()
  await store.commit([], flows.removal(id, 'thing/1'))
  inside.open()
  assert.equal(await flows.ended(id), SUPERSEDED)
  assert.equal(await store.get('written'), undefined)
  assert.equal(await flows.ended(await begin('slow')), 'ran')
})
