/** What every driver of the store port must do. Run by a `.test.ts` for each of them. */
import { suite, test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { Collection, together } from './collection.ts'
import { testModel } from './conformance/model.ts'
import { put, type OpenStore, type SetUp } from './conformance/fixture.ts'
import { testWatches } from './conformance/watches.ts'
import type { Change, Op, Store } from './store.ts'

export function storeConformance(driver: string, open: OpenStore): void {
  const setUp = async (t: TestContext) => {
    const clock = new SimulatedClock()
    const store = await open(t, clock)
    t.after(() => store.close())
    return { store, clock }
  }
  suite(`${driver}: entries and revisions`, () => testEntries(setUp))
  suite(`${driver}: ranges`, () => testRanges(setUp))
  suite(`${driver}: watches`, () => testWatches(setUp))
  suite(`${driver}: leases`, () => testLeases(setUp))
  suite(`${driver}: limits`, () => testLimits(setUp))
  test(`${driver}: any history of commits leaves what a map would hold`, (t) => testModel(t, open))
}

const del = (key: string): Op => ({ op: 'delete', key })

async function keysOf(store: Store, prefix = ''): Promise<string[]> {
  return (await store.range(prefix)).entries.map((e) => e.key)
}

function testEntries(setUp: SetUp): void {
  test('a put can be read, with the revision that wrote it and the one that created it', async (t) => {
    const { store } = await setUp(t)
    const first = await store.commit([], [put('k', 'one')])
    const second = await store.commit([], [put('k', 'two')])
    assert.ok(first.committed && second.committed && second.revision === first.revision + 1)
    const expected = { key: 'k', value: 'two', modRevision: second.revision, createRevision: first.revision }
    assert.deepEqual(await store.get('k'), expected)
    assert.equal(await store.get('absent'), undefined)
  })

  test('a key deleted and put in one commit is a new entry', async (t) => {
    const { store } = await setUp(t)
    await store.commit([], [put('k')])
    const again = await store.commit([], [del('k'), put('k')])
    assert.equal((await store.get('k'))!.createRevision, again.revision)
  })

  test('a commit whose comparisons fail writes nothing and names the keys', async (t) => {
    const { store } = await setUp(t)
    const { revision } = await store.commit([], [put('a'), put('b')])
    const compares = [
      { key: 'a', modRevision: revision },
      { key: 'b', modRevision: 0 },
      { key: 'c', modRevision: 7 },
    ]
    const refused = await store.commit(compares, [put('d')])
    assert.deepEqual(refused, { committed: false, revision, conflicts: ['b', 'c'] })
    assert.equal(await store.get('d'), undefined)
  })

  test('comparisons that hold let a commit through', async (t) => {
    const { store } = await setUp(t)
    const { revision } = await store.commit([{ key: 'a', modRevision: 0 }], [put('a')])
    assert.ok((await store.commit([{ key: 'a', modRevision: revision }], [del('a')])).committed)
    assert.equal(await store.get('a'), undefined)
  })

  test('a commit without effect does not take a revision', async (t) => {
    const { store } = await setUp(t)
    const { revision } = await store.commit([], [put('a')])
    assert.deepEqual(await store.commit([], [del('absent'), { op: 'delete-prefix', prefix: 'x/' }]), {
      committed: true,
      revision,
    })
    assert.equal((await store.commit([], [put('new'), del('new')])).revision, revision)
  })

  test('values keep any text', async (t) => {
    const { store } = await setUp(t)
    const value = '{"a":"\u0000 ü 😀 \u2028 \\ \'"}'
    await store.commit([], [put('k', value)])
    assert.equal((await store.get('k'))!.value, value)
  })

  test('records of a collection appear together or not at all', async (t) => {
    const { store } = await setUp(t)
    const [books, pens] = [new Collection<{ n: number }>(store, 'book/'), new Collection<{ n: number }>(store, 'pen/')]
    const both = together(books.create('a', { n: 1 }), pens.create('a', { n: 2 }))
    assert.ok((await store.commit(both.compares, both.ops)).committed)
    assert.ok(!(await store.commit(both.compares, both.ops)).committed)
    const held = (await books.get('a'))!
    const update = books.update(held, { n: 3 })
    assert.ok((await store.commit(update.compares, update.ops)).committed)
    const stale = together(books.remove(held), pens.remove((await pens.get('a'))!))
    assert.ok(!(await store.commit(stale.compares, stale.ops)).committed)
    assert.deepEqual(
      [...(await books.list()), ...(await pens.list())].map((h) => h.value),
      [{ n: 3 }, { n: 2 }],
    )
  })
}

function testRanges(setUp: SetUp): void {
  test('a range holds the keys with the prefix, in order of their UTF-8 bytes', async (t) => {
    const { store } = await setUp(t)
    // In UTF-16 the emoji would come before U+FB01.
    const keys = ['p/', 'p/a', 'p/a/b', 'p/b', 'p/ü', 'p/\uD7FF', 'p/\uFB01', 'p/😀']
    await store.commit(
      [],
      ['o', 'p', 'p0', 'q', ...keys.toReversed()].map((k) => put(k)),
    )
    const { entries, revision } = await store.range('p/')
    assert.deepEqual(
      entries.map((e) => e.key),
      keys,
    )
    assert.equal(revision, entries[0]!.modRevision)
    assert.deepEqual(await keysOf(store, 'p/\uD7FF'), ['p/\uD7FF'])
    assert.deepEqual(await keysOf(store), ['o', 'p', ...keys, 'p0', 'q'])
  })

  test('a range can be read in pages', async (t) => {
    const { store } = await setUp(t)
    await store.commit(
      [],
      ['a/1', 'a/2', 'a/3', 'b/1'].map((k) => put(k)),
    )
    const page = async (after: string | undefined) =>
      (await store.range('a/', { limit: 2, ...(after !== undefined && { after }) })).entries.map((e) => e.key)
    assert.deepEqual(await page(undefined), ['a/1', 'a/2'])
    assert.deepEqual(await page('a/2'), ['a/3'])
    assert.deepEqual(await page('a/25'), ['a/3'])
    assert.deepEqual(await page('a/3'), [])
    assert.deepEqual(await page('0'), ['a/1', 'a/2'])
  })

  test('a prefix is deleted whole, also what the same commit put under it before', async (t) => {
    const { store } = await setUp(t)
    await store.commit([], [put('a/1'), put('a/2'), put('b/1')])
    await store.commit([], [put('a/3'), { op: 'delete-prefix', prefix: 'a/' }, put('a/4')])
    assert.deepEqual(await keysOf(store), ['a/4', 'b/1'])
  })
}

function testLeases(setUp: SetUp): void {
  test('keys go with their lease when it expires, in one commit that watchers see', async (t) => {
    const { store, clock } = await setUp(t)
    const lease = await store.grantLease(1_000)
    const { revision } = await store.commit([], [put('a', 'v', lease), put('b', 'v', lease), put('c')])
    const seen: (readonly Change[])[] = []
    store.watch('', revision, (changes) => seen.push(changes))
    await clock.advance(999)
    assert.deepEqual(await keysOf(store), ['a', 'b', 'c'])
    await clock.advance(1)
    assert.deepEqual(await keysOf(store), ['c'])
    assert.deepEqual(
      seen.map((changes) => changes.map((c) => c.key)),
      [['a', 'b']],
    )
  })

  test('a renewed lease lives on; one that is gone cannot be renewed or used', async (t) => {
    const { store, clock } = await setUp(t)
    const lease = await store.grantLease(1_000)
    await clock.advance(900)
    assert.equal(await store.renewLease(lease), true)
    await clock.advance(900)
    assert.ok((await store.commit([], [put('a', 'v', lease)])).committed)
    await clock.advance(1_000)
    assert.equal(await store.renewLease(lease), false)
    const refused = await store.commit([], [put('b'), put('a', 'v', lease)])
    assert.deepEqual(refused.committed || refused.conflicts, ['a'])
    assert.deepEqual(await keysOf(store), [])
  })

  test('a revoked lease takes its keys at once; revoking it again does nothing', async (t) => {
    const { store } = await setUp(t)
    const lease = await store.grantLease(60_000)
    await store.commit([], [put('a', 'v', lease)])
    await store.revokeLease(lease)
    await store.revokeLease(lease)
    assert.deepEqual(await keysOf(store), [])
  })

  test('a key put again without the lease, or under another, no longer goes with it', async (t) => {
    const { store } = await setUp(t)
    const [one, two] = [await store.grantLease(60_000), await store.grantLease(60_000)]
    await store.commit([], [put('a', 'v', one), put('b', 'v', one), put('c', 'v', one)])
    await store.commit([], [put('a'), put('b', 'v', two)])
    await store.revokeLease(one)
    assert.deepEqual(await keysOf(store), ['a', 'b'])
    await store.revokeLease(two)
    assert.deepEqual(await keysOf(store), ['a'])
  })
}

function testLimits(setUp: SetUp): void {
  test('what no driver could hold is refused and changes nothing', async (t) => {
    const { store } = await setUp(t)
    await assert.rejects(store.commit([], [put('a'), put('')]), TypeError)
    await assert.rejects(store.commit([], [put('a'), put('\ud800')]), TypeError)
    await assert.rejects(store.commit([], [put('a'), put('k'.repeat(1_025))]), RangeError)
    await assert.rejects(store.commit([], [put('a', 'v'.repeat(5_000_000))]), RangeError)
    await assert.rejects(
      store.commit(
        [],
        Array.from({ length: 1_001 }, () => put('a')),
      ),
      RangeError,
    )
    assert.deepEqual(await keysOf(store), [])
  })

  test('a closed store refuses everything but being closed again', async (t) => {
    const { store } = await setUp(t)
    await store.close()
    await store.close()
    await assert.rejects(store.get('a'))
    await assert.rejects(store.commit([], [put('a')]))
  })
}
