import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { MIB } from '#base/bytes.ts'
import { fakeS3, type FakeS3 } from '../../tests/support/fake-s3.ts'
import { objectStoreConformance } from './object-store.conformance.ts'
import { readWhole, type ObjectStore } from './object-store.ts'
import { s3Objects } from './s3-objects.ts'

async function open(t: TestContext, prefix = 'some/where/'): Promise<{ s3: FakeS3; store: ObjectStore }> {
  const s3 = await fakeS3()
  const store = s3Objects({
    bucket: 'bucket',
    prefix,
    endpoint: s3.endpoint,
    region: undefined,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  t.after(async () => {
    store.close()
    await s3.close()
  })
  return { s3, store }
}

objectStoreConformance('s3', async (t) => (await open(t)).store)

test('keys lie under the prefix, and what else is in the bucket is not seen', async (t) => {
  const { s3, store } = await open(t)
  s3.objects.set('elsewhere/1', Buffer.from('x'))
  await store.put('a/1', Buffer.from('y'))
  assert.deepEqual([...s3.objects.keys()].sort(), ['elsewhere/1', 'some/where/a/1'])
  assert.deepEqual(await Array.fromAsync(store.list('')), [{ key: 'a/1', sizeBytes: 1 }])
})

test('a request that the store turns away is made again', async (t) => {
  const { s3, store } = await open(t)
  s3.failNext(2)
  await store.put('k', Buffer.from('kept'))
  assert.equal((await readWhole(store, 'k'))?.toString(), 'kept')
  assert.ok(s3.requests() >= 4)
})

test('an upload that fails leaves no parts behind', async (t) => {
  const { s3, store } = await open(t)
  async function* broken(): AsyncIterable<Uint8Array> {
    yield Buffer.alloc(33 * MIB)
    throw new Error('the source is gone')
  }
  await assert.rejects(store.put('k', broken()), /put k/)
  assert.equal(s3.unfinished(), 0)
})

test('a store that is down is trouble of the peer that may pass', async (t) => {
  const { s3, store } = await open(t)
  await s3.close()
  await assert.rejects(store.get('k'), { name: 'Trouble', culprit: 'peer', retryable: true })
})
