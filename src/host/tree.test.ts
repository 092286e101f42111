import assert from 'node:assert/strict'
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { MIB } from '#base/bytes.ts'
import { copyTree, moveTree, syncTree, treeBytes } from './tree.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-tree-'))
const source = join(root, 'source')
const target = join(root, 'target')

beforeEach(() => {
  rmSync(source, { recursive: true, force: true })
  rmSync(target, { recursive: true, force: true })
  mkdirSync(join(source, 'base', '1'), { recursive: true, mode: 0o700 })
  mkdirSync(join(source, 'empty'))
  writeFileSync(join(source, 'base', '1', '112'), 'table')
  writeFileSync(join(source, 'secret'), 'key', { mode: 0o600 })
  symlinkSync('base/1', join(source, 'link'))
})
after(() => rmSync(root, { recursive: true, force: true }))

test('a copy has the same files, folders, links and modes', async () => {
  const facts = await copyTree(source, target)
  assert.equal(readFileSync(join(target, 'base', '1', '112'), 'utf8'), 'table')
  assert.ok(statSync(join(target, 'empty')).isDirectory())
  assert.equal(readlinkSync(join(target, 'link')), 'base/1')
  assert.equal(statSync(join(target, 'secret')).mode & 0o777, 0o600)
  assert.equal(statSync(join(target, 'base')).mode & 0o777, 0o700)
  assert.deepEqual({ files: facts.files, bytes: facts.bytes }, { files: 2, bytes: 8 })
  assert.equal(await treeBytes(target), 8)
})

test('what is excluded is left out with all below it', async () => {
  await copyTree(source, target, { exclude: (path) => path === 'base' || path === 'secret' })
  assert.equal(existsSync(join(target, 'base')), false)
  assert.equal(existsSync(join(target, 'secret')), false)
  assert.equal(existsSync(join(target, 'empty')), true)
})

test('holes stay holes and the content stays the same', async () => {
  const file = openSync(join(source, 'sparse'), 'w')
  writeSync(file, 'start', 0)
  writeSync(file, 'middle', 8 * MIB + 13)
  ftruncateSync(file, 16 * MIB + 1)
  closeSync(file)
  await copyTree(source, target)
  assert.ok(readFileSync(join(target, 'sparse')).equals(readFileSync(join(source, 'sparse'))))
  assert.ok(statSync(join(target, 'sparse')).blocks * 512 < MIB)
})

test('a live source may lose files during the copy, another may not', async () => {
  for (let i = 0; i < 200; i++) writeFileSync(join(source, `f${i}`), 'x')
  const vanish = (path: string): boolean => {
    // Called while the tree is listed: the file is in the list, or about to be, and gone when it is copied.
    if (path === 'f50') rmSync(join(source, 'f50'))
    return false
  }
  await assert.rejects(copyTree(source, target, { exclude: vanish }), { code: 'ENOENT' })
  writeFileSync(join(source, 'f50'), 'x')
  await copyTree(source, join(root, 'target'), { exclude: vanish, live: true })
  assert.equal(existsSync(join(target, 'f50')), false)
  assert.equal(existsSync(join(target, 'f51')), true)
})

test('a missing source fails also when it is called live', async () => {
  await assert.rejects(copyTree(join(root, 'nowhere'), target, { live: true }), { code: 'ENOENT' })
})

test('a copy stops at its signal', async () => {
  const stop = new AbortController()
  const reason = new Error('cancelled')
  const copying = copyTree(source, target, {
    signal: stop.signal,
    exclude: () => {
      stop.abort(reason)
      return false
    },
  })
  await assert.rejects(copying, reason)
})

test('a copied tree can be made durable', async () => {
  await copyTree(source, target)
  await syncTree(target)
  await assert.rejects(syncTree(join(root, 'nowhere')), { code: 'ENOENT' })
})

test('a moved folder is in its new place alone', async () => {
  rmSync(target, { recursive: true, force: true })
  await moveTree(source, target, {})
  assert.equal(readFileSync(join(target, 'base', '1', '112'), 'utf8'), 'table')
  assert.equal(existsSync(source), false)
})

/** In memory, and so on another file system than the temporary folder of most machines. */
const ELSEWHERE = '/dev/shm'
const isElsewhere = existsSync(ELSEWHERE) && statSync(ELSEWHERE).dev !== statSync(tmpdir()).dev

test(
  'a folder is moved to another file system by a copy, and the original stays for another attempt',
  { skip: isElsewhere ? false : `${ELSEWHERE} is no other file system` },
  async () => {
    const other = mkdtempSync(join(ELSEWHERE, 'holdfast-tree-'))
    try {
      for (let attempt = 0; attempt < 2; attempt++) await moveTree(source, join(other, 'data'), {})
      assert.equal(readFileSync(join(other, 'data', 'base', '1', '112'), 'utf8'), 'table')
      assert.equal(existsSync(join(source, 'secret')), true)
    } finally {
      rmSync(other, { recursive: true, force: true })
    }
  },
)
