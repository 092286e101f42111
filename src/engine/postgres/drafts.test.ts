import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { namesIn } from '#host/disk.ts'
import { systemRandom } from '#host/random.ts'
import { dropDeadDrafts, newDraft, putInPlace } from './drafts.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-drafts-'))
after(() => rmSync(root, { recursive: true, force: true }))

test('drafts of dead processes are removed, with what lies beside them, and others stay', async () => {
  const folder = join(root, 'dead')
  mkdirSync(folder)
  const living = basename(newDraft(folder, '18.4', systemRandom))
  // Linux gives no pid above 4194304.
  const dead = ['.18.4-99999999-0a1b2c3d', '.18.4-99999999-0a1b2c3d.download']
  for (const name of [living, ...dead, '18.4', 'templates']) mkdirSync(join(folder, name))
  await dropDeadDrafts(folder)
  assert.deepEqual(await namesIn(folder), [living, '18.4', 'templates'].toSorted())
})

test('what is in place already is not replaced', async () => {
  for (const name of ['first', 'second']) {
    mkdirSync(join(root, name))
    writeFileSync(join(root, name, 'file'), name)
    await putInPlace(join(root, name), join(root, 'place'))
  }
  assert.equal(readFileSync(join(root, 'place', 'file'), 'utf8'), 'first')
})
