import assert from 'node:assert/strict'
import { test } from 'node:test'
import { join } from 'node:path'
import { removeTree } from '#host/disk.ts'
import { temporaryFolder } from '#host/temporary-folder.ts'
import { readWhole } from './object-store.ts'
import { archiveLocation, openArchive } from './open-archive.ts'

test('without a setting the archive is the folder of the state', () => {
  for (const text of [undefined, ''])
    assert.deepEqual(archiveLocation(text, '/s/archive'), { kind: 'folder', path: '/s/archive' })
})

test('a folder is named by its path or as a file URL', () => {
  for (const text of ['/mnt/backups', 'file:///mnt/backups'])
    assert.deepEqual(archiveLocation(text, '/s'), { kind: 'folder', path: '/mnt/backups' })
})

test('a bucket is named with its prefix, and another store by its endpoint', () => {
  assert.deepEqual(archiveLocation('s3://bucket', '/s'), {
    kind: 's3',
    bucket: 'bucket',
    prefix: '',
    endpoint: undefined,
    region: undefined,
  })
  assert.deepEqual(archiveLocation('s3://bucket/a/b/?endpoint=http://127.0.0.1:9000&region=eu-west-1', '/s'), {
    kind: 's3',
    bucket: 'bucket',
    prefix: 'a/b/',
    endpoint: 'http://127.0.0.1:9000',
    region: 'eu-west-1',
  })
})

test('anything else is refused with what would be right', () => {
  for (const text of ['backups', 'http://x/', 's3:///x', 's3://bucket/?endpont=x', 's3://bucket/a b'])
    assert.throws(() => archiveLocation(text, '/s'), /HOLDFAST_ARCHIVE/, text)
})

test('what was put into a folder is there for whoever opens it next', async (t) => {
  const folder = await temporaryFolder('holdfast-archive-')
  t.after(() => removeTree(folder))
  const location = archiveLocation(join(folder, 'a'), '/nowhere')
  await (await openArchive(location, Date.now())).put('k/1', Buffer.from('kept'))
  assert.equal((await readWhole(await openArchive(location, Date.now()), 'k/1'))?.toString(), 'kept')
})

test('an archive in a bucket is opened whether or not it answers', async () => {
  const store = await openArchive(archiveLocation('s3://bucket/?endpoint=http://127.0.0.1:1', '/s'), Date.now())
  store.close()
})
