/** What every driver of the object-store port must do. Run by a `.test.ts` for each of them. */
import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { MIB } from '#base/bytes.ts'
import { readWhole, type ObjectStore } from './object-store.ts'

/** Opens an empty store that ends with the test. */
export type OpenObjects = (t: TestContext) => Promise<ObjectStore>

export function objectStoreConformance(driver: string, open: OpenObjects): void {
  suite(`${driver}: objects`, () => testObjects(open))
  suite(`${driver}: listing`, () => testListing(open))
  suite(`${driver}: bodies`, () => testBodies(open))
}

const bytes = (text: string): Buffer => Buffer.from(text)

const textOf = async (store: ObjectStore, key: string): Promise<string | undefined> =>
  (await readWhole(store, key))?.toString()

async function keysOf(store: ObjectStore, prefix: string, after?: string): Promise<string[]> {
  return (await Array.fromAsync(store.list(prefix, after))).map(({ key }) => key)
}

function testObjects(open: OpenObjects): void {
  test('what was put is read, and a later put takes its place', async (t) => {
    const store = await open(t)
    assert.equal(await store.get('a/b.c'), undefined)
    await store.put('a/b.c', bytes('one'))
    assert.equal(await textOf(store, 'a/b.c'), 'one')
    await store.put('a/b.c', bytes('two and more'))
    assert.equal(await textOf(store, 'a/b.c'), 'two and more')
    await store.put('a/empty', bytes(''))
    assert.equal(await textOf(store, 'a/empty'), '')
  })

  test('deleting takes away what is named, also many at once, and nothing else', async (t) => {
    const store = await open(t)
    const keys = Array.from({ length: 1_100 }, (_, n) => `d/${n}`)
    await Promise.all([...keys.slice(0, 20), 'd', 'e'].map((key) => store.put(`x/${key}-k`, bytes(key))))
    await store.delete([...keys.map((key) => `x/${key}-k`), 'x/never'])
    assert.deepEqual(await keysOf(store, ''), ['x/d-k', 'x/e-k'])
    await store.delete([])
    await store.put('x/d/again', bytes('!'))
    assert.equal(await textOf(store, 'x/d/again'), '!')
  })

  test('a copy stays when its source goes, and a source must be there', async (t) => {
    const store = await open(t)
    await store.put('a/1', bytes('content'))
    await store.copy('a/1', 'other/1')
    await store.delete(['a/1'])
    assert.equal(await textOf(store, 'other/1'), 'content')
    await assert.rejects(store.copy('a/1', 'other/2'))
    assert.equal(await store.get('other/2'), undefined)
  })

  test('a key that some store could not keep is refused by all', async (t) => {
    const store = await open(t)
    for (const key of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', '.hidden', 'a b', 'é', 'x'.repeat(901)])
      await assert.rejects(async () => store.put(key, bytes('x')), /is an object's key/, key)
  })

  test('two who put the same key leave one whole object', async (t) => {
    const store = await open(t)
    const contents = ['a', 'b', 'c'].map((letter) => letter.repeat(300_000))
    await Promise.all(contents.map((content) => store.put('same', bytes(content))))
    assert.ok(contents.includes((await textOf(store, 'same'))!))
  })
}

function testListing(open: OpenObjects): void {
  test('keys come in the order of their bytes, with sizes, and those of the prefix only', async (t) => {
    const store = await open(t)
    const keys = ['a-b', 'a.c', 'a/b', 'a/c/d', 'a0', 'aa', 'b/a', 'A']
    for (const key of keys) await store.put(key, bytes(key))
    const sorted = [...keys].sort()
    assert.deepEqual(await keysOf(store, ''), sorted)
    assert.deepEqual(await keysOf(store, 'a/'), ['a/b', 'a/c/d'])
    assert.deepEqual(
      await keysOf(store, 'a'),
      sorted.filter((key) => key.startsWith('a')),
    )
    assert.deepEqual(await keysOf(store, 'a/c'), ['a/c/d'])
    assert.deepEqual(await keysOf(store, 'nowhere/'), [])
    assert.deepEqual(await Array.fromAsync(store.list('a/c')), [{ key: 'a/c/d', sizeBytes: 5 }])
  })

  test('a listing can begin after a key, whether or not that is there', async (t) => {
    const store = await open(t)
    for (const key of ['p/1', 'p/2', 'p/3', 'q/1']) await store.put(key, bytes(key))
    assert.deepEqual(await keysOf(store, 'p/', 'p/1'), ['p/2', 'p/3'])
    assert.deepEqual(await keysOf(store, 'p/', 'p/25'), ['p/3'])
    assert.deepEqual(await keysOf(store, 'p/', 'p/3'), [])
  })

  test('a long listing is whole', async (t) => {
    const store = await open(t)
    const keys = Array.from({ length: 25 }, (_, n) => `long/${String(n).padStart(4, '0')}`)
    await Promise.all(keys.map((key) => store.put(key, bytes(key))))
    assert.deepEqual(await keysOf(store, 'long/'), keys)
  })
}

function testBodies(open: OpenObjects): void {
  test('a body of many portions, longer than one part of an upload, comes back the same', async (t) => {
    const store = await open(t)
    const portion = Buffer.from(Array.from({ length: 1_000_003 }, (_, n) => (n * 7919) & 0xff))
    async function* body(): AsyncIterable<Uint8Array> {
      for (let n = 0; n < 36; n++) yield portion
    }
    await store.put('large', body())
    let total = 0
    for await (const part of (await store.get('large'))!) {
      for (let at = 0; at < part.length; at += 4_099)
        assert.equal(part[at], (((total + at) % portion.length) * 7919) & 0xff)
      total += part.length
    }
    assert.equal(total, 36 * portion.length)
    assert.ok(total > 32 * MIB)
  })

  test('a body that fails leaves what was there before', async (t) => {
    const store = await open(t)
    await store.put('k', bytes('before'))
    async function* broken(): AsyncIterable<Uint8Array> {
      for (let n = 0; n < 40; n++) yield Buffer.alloc(MIB, n)
      throw new Error('the source is gone')
    }
    await assert.rejects(store.put('k', broken()))
    await assert.rejects(store.put('new', broken()))
    assert.equal(await textOf(store, 'k'), 'before')
    assert.deepEqual(await keysOf(store, ''), ['k'])
  })
}
