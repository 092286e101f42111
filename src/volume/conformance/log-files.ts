import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SetUpLogDisk } from '../log-disk.conformance.ts'
import { assertContent } from './content.ts'
import { waited } from './waited.ts'

const KIB = 1_024

export function testFiles(setUp: SetUpLogDisk): void {
  test('a file that was allocated is zeros of its length, and written over where it is written', async (t) => {
    const opened = await setUp(t)
    const { disk } = opened
    await waited(opened, (done) => disk.allocate('a.log', 3 * KIB + 7, done))
    assert.deepEqual(disk.names(), ['a.log'])
    assertContent(disk.read('a.log', 0, 10 * KIB), Buffer.alloc(3 * KIB + 7))
    disk.write('a.log', KIB, Buffer.from('abc'))
    disk.write('a.log', KIB + 1, Buffer.from('X'))
    assert.equal(disk.read('a.log', KIB - 1, 5).toString('latin1'), '\0aXc\0')
    assert.equal(disk.read('a.log', 3 * KIB, 100).length, 7, 'fewer at its end')
    assert.equal(disk.read('a.log', 4 * KIB, 100).length, 0)
  })

  test('what is written is read at once, also before it is synced, and after another process has come', async (t) => {
    const opened = await setUp(t)
    const { disk } = opened
    await waited(opened, (done) => disk.allocate('a.log', 64, done))
    disk.write('a.log', 5, Buffer.from('five'))
    assert.equal(disk.read('a.log', 5, 4).toString(), 'five')
    await waited(opened, (done) => disk.sync('a.log', done))
    disk.write('a.log', 9, Buffer.from('nine'))
    const next = opened.reopen()
    assert.deepEqual(next.names(), ['a.log'])
    assert.equal(next.read('a.log', 5, 8).toString(), 'fivenine')
  })

  test('every sync that was asked for is answered once, however many at a time', async (t) => {
    const opened = await setUp(t)
    const { disk, settle } = opened
    for (const name of ['a.log', 'b.log']) await waited(opened, (done) => disk.allocate(name, KIB, done))
    const answers: string[] = []
    for (let n = 0; n < 10; n++) {
      const name = n % 2 === 0 ? 'a.log' : 'b.log'
      disk.write(name, n, Buffer.from([n]))
      disk.sync(name, (error) => answers.push(error ? error.message : `${n}`))
    }
    assert.deepEqual(answers, [], 'later, never from within the call')
    while (answers.length < 10) await settle()
    assert.deepEqual(answers.toSorted(), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  })

  test('a small file is replaced as a whole, and the last replacement that was asked for stays', async (t) => {
    const opened = await setUp(t)
    const { disk, settle } = opened
    assert.equal(disk.load('state'), undefined)
    await waited(opened, (done) => disk.replace('state', Buffer.from('a long state'), done))
    assert.equal(disk.load('state')?.toString(), 'a long state')
    const answers: number[] = []
    for (const n of [1, 2, 3, 4, 5]) disk.replace('state', Buffer.from(`state ${n}`), () => answers.push(n))
    while (answers.length < 5) await settle()
    assert.equal(disk.load('state')?.toString(), 'state 5')
    assert.deepEqual(disk.names(), ['state'])
    assert.equal(opened.reopen().load('state')?.toString(), 'state 5')
  })

  test('a file that takes the place of another is the one that is read and written from then on', async (t) => {
    const opened = await setUp(t)
    const { disk } = opened
    await waited(opened, (done) => disk.allocate('a.log', 16, done))
    disk.write('a.log', 0, Buffer.from('before'))
    await waited(opened, (done) => disk.sync('a.log', done))
    await waited(opened, (done) => disk.allocate('a.log', 8, done))
    assert.deepEqual(disk.read('a.log', 0, 100), Buffer.alloc(8))
    disk.write('a.log', 0, Buffer.from('after'))
    assert.equal(opened.reopen().read('a.log', 0, 5).toString(), 'after')
  })

  test('a file that was removed is gone, also under a sync, and can be made again', async (t) => {
    const opened = await setUp(t)
    const { disk, settle } = opened
    await waited(opened, (done) => disk.allocate('a.log', 64, done))
    disk.write('a.log', 0, Buffer.from('old'))
    let answers = 0
    disk.sync('a.log', () => answers++)
    disk.remove('a.log')
    assert.deepEqual(disk.names(), [])
    assert.equal(disk.load('a.log'), undefined)
    assert.throws(() => disk.read('a.log', 0, 1), { code: 'ENOENT' })
    while (answers === 0) await settle()
    disk.remove('a.log')
    await waited(opened, (done) => disk.allocate('a.log', 64, done))
    assert.deepEqual(disk.read('a.log', 0, 3), Buffer.alloc(3))
  })

  test('a write makes the file that is not there, and lengthens the one that is short', async (t) => {
    const opened = await setUp(t)
    const { disk } = opened
    assert.throws(() => disk.sync('a.log', () => {}), { code: 'ENOENT' })
    disk.write('a.log', 0, Buffer.from('one'))
    disk.write('a.log', 3, Buffer.from('two'))
    await waited(opened, (done) => disk.sync('a.log', done))
    assert.deepEqual(disk.names(), ['a.log'])
    assert.equal(disk.read('a.log', 0, 100).toString(), 'onetwo')
  })
}
