import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  canReflink,
  exists,
  freeBytes,
  isDiskFull,
  isReachable,
  emptyFolder,
  makeFolder,
  makeLink,
  namesIn,
  overwriteBytes,
  readBytes,
  readText,
  removeTree,
  renameDurably,
  statOf,
  writeFileDurably,
} from './disk.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-disk-'))
after(() => rmSync(root, { recursive: true, force: true }))

test('a durable write replaces the content, sets the mode and leaves no temporary file', async () => {
  const folder = join(root, 'write')
  mkdirSync(folder)
  await writeFileDurably(join(folder, 'key'), 'one', { mode: 0o600 })
  await writeFileDurably(join(folder, 'key'), 'two', { mode: 0o600 })
  assert.equal(readFileSync(join(folder, 'key'), 'utf8'), 'two')
  assert.equal(statSync(join(folder, 'key')).mode & 0o777, 0o600)
  assert.deepEqual(await namesIn(folder), ['key'])
})

test('a durable write that fails leaves what was there', async () => {
  const folder = join(root, 'occupied')
  mkdirSync(join(folder, 'key', 'child'), { recursive: true })
  await assert.rejects(writeFileDurably(join(folder, 'key'), 'x'))
  assert.deepEqual(await namesIn(folder), ['key'])
  assert.deepEqual(await namesIn(join(folder, 'key')), ['child'])
})

test('a folder that is there already gets the mode that was asked for', async () => {
  const folder = join(root, 'mode')
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  await makeFolder(folder, { mode: 0o700 })
  assert.equal(statSync(folder).mode & 0o777, 0o700)
})

test('what is absent reads as undefined, and removing it is no error', async () => {
  const path = join(root, 'absent')
  assert.equal(await readText(path), undefined)
  assert.equal(await readBytes(path, 0, 10), undefined)
  assert.equal(await statOf(path), undefined)
  assert.equal(await exists(path), false)
  assert.deepEqual(await namesIn(path), [])
  await removeTree(path)
})

test('bytes are read from an offset, and fewer at the end of the file', async () => {
  const path = join(root, 'bytes')
  writeFileSync(path, 'holdfast')
  assert.equal((await readBytes(path, 4, 100))?.toString(), 'fast')
  assert.equal((await readBytes(path, 100, 4))?.length, 0)
})

test('a rename moves a folder with its content', async () => {
  mkdirSync(join(root, 'from', 'deep'), { recursive: true })
  await renameDurably(join(root, 'from'), join(root, 'to'))
  assert.equal(await exists(join(root, 'from')), false)
  assert.deepEqual(await namesIn(join(root, 'to')), ['deep'])
})

test('a full disk is recognised through the causes of an error', () => {
  const full = Object.assign(new Error('write'), { code: 'ENOSPC' })
  assert.equal(isDiskFull(new Error('copy the template', { cause: full })), true)
  assert.equal(isDiskFull(Object.assign(new Error('write'), { code: 'EDQUOT' })), true)
  assert.equal(isDiskFull(Object.assign(new Error('write'), { code: 'EIO' })), false)
})

test('the reflink probe leaves nothing behind', async () => {
  const folder = join(root, 'reflink')
  mkdirSync(folder)
  assert.equal(typeof (await canReflink(folder)), 'boolean')
  assert.deepEqual(await namesIn(folder), [])
  assert.ok((await freeBytes(folder)) > 0)
})

test('bytes in the middle of a file are overwritten, and the rest of it stays', async () => {
  const path = join(root, 'middle')
  writeFileSync(path, 'abcdef')
  await overwriteBytes(path, 2, Buffer.from('XY'))
  assert.equal(readFileSync(path, 'utf8'), 'abXYef')
  await assert.rejects(overwriteBytes(join(root, 'absent'), 0, Buffer.from('X')), { code: 'ENOENT' })
})

test('what lies below a file cannot be reached, and is no error', async () => {
  const path = join(root, 'no-folder')
  writeFileSync(path, '')
  assert.equal(await isReachable(path), true)
  assert.equal(await isReachable(join(path, 'below')), false)
  assert.equal(await isReachable(join(root, 'absent')), false)
})

test('a link takes the place of what was there', async () => {
  const path = join(root, 'link')
  writeFileSync(join(root, 'aim'), 'aimed at')
  writeFileSync(path, 'in the way')
  await makeLink('aim', path)
  assert.equal(readFileSync(path, 'utf8'), 'aimed at')
})

test('a folder is emptied without becoming another one', async () => {
  const folder = join(root, 'emptied')
  mkdirSync(join(folder, 'below'), { recursive: true })
  writeFileSync(join(folder, 'below', 'file'), 'x')
  const before = statSync(folder).ino
  await emptyFolder(folder, { mode: 0o700 })
  assert.throws(() => statSync(join(folder, 'below')))
  assert.equal(statSync(folder).ino, before)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
})
