import assert from 'node:assert/strict'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { removeTree } from '#host/disk.ts'
import { temporaryFolder } from '#host/temporary-folder.ts'
import { folderObjects } from './folder-objects.ts'
import { objectStoreConformance } from './object-store.conformance.ts'

async function newFolder(t: TestContext): Promise<string> {
  const folder = await temporaryFolder('holdfast-objects-')
  t.after(() => removeTree(folder))
  return folder
}

objectStoreConformance('folder', async (t) => folderObjects(join(await newFolder(t), 'archive'), Date.now()))

test('drafts of dead writers are no objects, and go a day later', async (t) => {
  const folder = await newFolder(t)
  const drafts = join(folder, '.drafts')
  await mkdir(drafts)
  for (const name of ['old', 'new']) await writeFile(join(drafts, name), 'half')
  const past = new Date(Date.now() - 25 * 60 * 60 * 1_000)
  await utimes(join(drafts, 'old'), past, past)
  const store = await folderObjects(folder, Date.now())
  assert.deepEqual(await Array.fromAsync(store.list('')), [])
  assert.deepEqual(await readdir(drafts), ['new'])
})

test('folders that deleting has emptied are gone', async (t) => {
  const folder = await newFolder(t)
  const store = await folderObjects(folder, Date.now())
  await store.put('a/b/c', Buffer.from('x'))
  await store.delete(['a/b/c'])
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name !== '.drafts'),
    [],
  )
})
