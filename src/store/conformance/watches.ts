import { test } from 'node:test'
import assert from 'node:assert/strict'
import { CompactedError, type Change, type Store, type Watch } from '../store.ts'
import { put, turn, type SetUp } from './fixture.ts'

export function testWatches(setUp: SetUp): void {
  const record = (store: Store, prefix: string, after: number): { seen: (readonly Change[])[]; watch: Watch } => {
    const seen: (readonly Change[])[] = []
    return { seen, watch: store.watch(prefix, after, (changes) => seen.push(changes)) }
  }

  test('a watcher sees every later change under its prefix once, commit by commit', async (t) => {
    const { store } = await setUp(t)
    const { revision: r } = await store.commit([], [put('a/1', 'old')])
    const { seen } = record(store, 'a/', r)
    await store.commit([], [put('a/2', 'x'), put('b/1'), put('a/1', 'new')])
    await store.commit([], [put('b/2')])
    await store.commit([], [{ op: 'delete-prefix', prefix: 'a/' }, put('a/3', 'y')])
    await turn()
    assert.deepEqual(seen, [
      [
        { key: 'a/2', value: 'x', modRevision: r + 1 },
        { key: 'a/1', value: 'new', modRevision: r + 1 },
      ],
      [
        { key: 'a/1', value: undefined, modRevision: r + 3 },
        { key: 'a/2', value: undefined, modRevision: r + 3 },
        { key: 'a/3', value: 'y', modRevision: r + 3 },
      ],
    ])
  })

  test('a watcher that starts in the past sees what it missed, and only then what is new', async (t) => {
    const { store } = await setUp(t)
    const { revision } = await store.commit([], [put('a')])
    await store.commit([], [put('b')])
    const { seen } = record(store, '', revision)
    assert.equal(seen.length, 0, 'nobody is called before watch has returned')
    await store.commit([], [put('c')])
    await turn()
    assert.deepEqual(
      seen.flat().map((c) => c.key),
      ['b', 'c'],
    )
  })

  test('a closed watch is not called any more, also when it closes itself', async (t) => {
    const { store } = await setUp(t)
    const { revision } = await store.range('')
    const closed = record(store, '', revision)
    closed.watch.close()
    let calls = 0
    const own = store.watch('', revision, () => {
      calls++
      own.close()
    })
    await store.commit([], [put('a')])
    await store.commit([], [put('b')])
    await turn()
    assert.deepEqual([closed.seen, calls], [[], 1])
  })

  test('a watcher that commits shows every watcher the cause before the consequence', async (t) => {
    const { store } = await setUp(t)
    const { revision } = await store.range('')
    store.watch('cause', revision, () => void store.commit([], [put('consequence')]))
    const { seen } = record(store, '', revision)
    await store.commit([], [put('cause')])
    await turn()
    assert.deepEqual(
      seen.flat().map((c) => c.key),
      ['cause', 'consequence'],
    )
  })

  test('a watch from a forgotten revision is refused', async (t) => {
    const { store } = await setUp(t)
    const { revision } = await store.commit([], [put('k', '0')])
    for (let round = 0; round < 30; round++) {
      await store.commit(
        [],
        Array.from({ length: 600 }, (_, i) => put(`k${i}`, String(round))),
      )
    }
    assert.throws(() => store.watch('', revision, () => {}), CompactedError)
    store.watch('', (await store.range('')).revision, () => {}).close()
  })
}
