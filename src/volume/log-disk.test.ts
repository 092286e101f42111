import assert from 'node:assert/strict'
import fs, { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { TOGETHER_MS_MAX } from '#host/limits.ts'
import { FolderLogDisk } from '#host/log-disk.ts'
import { logDiskConformance } from './log-disk.conformance.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-log-disk-'))
after(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
function emptyFolder(): string {
  const folder = join(root, `${++folders}`)
  mkdirSync(folder)
  return folder
}

const FILES_OPEN = 3

logDiskConformance('a folder', (t) => {
  const folder = emptyFolder()
  const opened: FolderLogDisk[] = []
  const open = (): FolderLogDisk => {
    opened.push(new FolderLogDisk(folder, FILES_OPEN))
    return opened.at(-1)!
  }
  t.after(() => opened.forEach((disk) => disk.close()))
  return { disk: open(), settle: () => new Promise((resolve) => setImmediate(resolve)), reopen: open }
})

const openDescriptors = (): number => readdirSync('/proc/self/fd').length

test(
  'descriptors are bounded, but for files with bytes that no sync has covered',
  { skip: process.platform !== 'linux' && 'descriptors are counted in /proc' },
  async () => {
    const disk = new FolderLogDisk(emptyFolder(), FILES_OPEN)
    const before = openDescriptors()
    const names = Array.from({ length: 20 }, (_, n) => `${n}.log`)
    const sync = (name: string): Promise<void> =>
      new Promise((resolve, reject) => disk.sync(name, (error) => (error ? reject(error) : resolve())))
    for (const name of names) {
      disk.write(name, 0, Buffer.from(name))
      await sync(name)
    }
    assert.equal(openDescriptors() - before, FILES_OPEN)
    for (const name of names) assert.equal(disk.read(name, 0, 100).toString(), name)
    assert.equal(openDescriptors() - before, FILES_OPEN)
    for (const name of names) disk.write(name, 0, Buffer.from('!'))
    assert.equal(openDescriptors() - before, names.length)
    await Promise.all(names.map(sync))
    disk.read(names[0]!, 0, 1)
    disk.write('another.log', 0, Buffer.from('!'))
    assert.equal(openDescriptors() - before, FILES_OPEN)
    disk.close()
    assert.equal(openDescriptors(), before)
  },
)

test('what a process was making when it died is nothing, and is cleared away', async () => {
  const folder = emptyFolder()
  writeFileSync(join(folder, '.draft-7'), 'half')
  writeFileSync(join(folder, 'whole'), 'whole')
  const disk = new FolderLogDisk(folder)
  assert.deepEqual(disk.names(), ['whole'])
  assert.deepEqual(readdirSync(folder), ['whole'])
  await new Promise<void>((resolve) => disk.allocate('a.log', 64, () => resolve()))
  assert.deepEqual(readdirSync(folder), ['a.log', 'whole'])
})

test('a file that cannot be made leaves nothing behind, and the old one is as it was', async () => {
  const folder = emptyFolder()
  const disk = new FolderLogDisk(folder)
  mkdirSync(join(folder, 'taken'))
  writeFileSync(join(folder, 'taken', 'inside'), '')
  const error = await new Promise((resolve) => disk.replace('taken', Buffer.from('x'), resolve))
  assert.ok(error instanceof Error)
  assert.deepEqual(readdirSync(folder), ['taken'])
  assert.deepEqual(readdirSync(join(folder, 'taken')), ['inside'])
})

for (const names of [['bad.log'], ['bad.log', 'other.log']])
  test(`after a sync that failed every later one fails, of any file: ${names.length} in a turn`, async (t) => {
    const disk = new FolderLogDisk(emptyFolder())
    for (const name of ['good.log', ...names]) disk.write(name, 0, Buffer.from('x'))
    const sync = (name: string): Promise<Error | undefined> => new Promise((resolve) => disk.sync(name, resolve))
    assert.equal(await sync('good.log'), undefined)
    const trouble = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })
    const failing = t.mock.method(fs, 'fdatasync', (_fd: number, done: (error: Error) => void) =>
      setImmediate(() => done(trouble)),
    )
    const failed = await Promise.all([...names, 'bad.log'].map(sync))
    failing.mock.restore()
    assert.deepEqual([...new Set(failed)], [trouble])
    assert.equal(await sync('bad.log'), trouble, 'the kernel would say that all is well')
    assert.equal(await sync('good.log'), trouble)
  })

test('files that are synced in one turn are told together, unless one takes long', async (t) => {
  const disk = new FolderLogDisk(emptyFolder())
  const names = ['a.log', 'b.log']
  for (const name of names) disk.write(name, 0, Buffer.from('x'))
  await Promise.all(names.map((name) => new Promise<unknown>((resolve) => disk.sync(name, resolve))))
  const [ends, told]: [(() => void)[], string[]] = [[], []]
  t.mock.method(fs, 'fdatasync', (_fd: number, done: () => void) => void ends.push(done))
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const begin = async (): Promise<void> => {
    for (const name of names) disk.sync(name, () => told.push(name))
    await new Promise<void>((resolve) => process.nextTick(resolve))
  }
  await begin()
  ends.shift()!()
  assert.deepEqual(told, [])
  ends.shift()!()
  assert.deepEqual(told.splice(0), names)
  await begin()
  ends.pop()!()
  assert.deepEqual(told, [])
  t.mock.timers.tick(TOGETHER_MS_MAX)
  assert.deepEqual(told.splice(0), ['b.log'])
  ends.pop()!()
  assert.deepEqual(told, ['a.log'])
})
