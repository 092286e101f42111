import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { lockFolder } from './folder-lock.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-lock-'))
after(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
function emptyFolder(): string {
  const folder = join(root, `${++folders}`)
  mkdirSync(folder)
  return folder
}

const door = new URL('./folder-lock.ts', import.meta.url).href

/** Tries once; says what came of it, and stays. */
async function contender(folder: string): Promise<{ child: ChildProcess; hasIt: boolean }> {
  const script = `
    import { lockFolder } from '${door}'
    const lock = lockFolder(process.argv[1])
    process.stdout.write(lock ? 'mine' : 'taken')
    setInterval(() => lock, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, hasIt: said.toString() === 'mine' }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('one process has the folder until it dies, however it dies', async () => {
  const folder = emptyFolder()
  const first = await contender(folder)
  assert.equal(first.hasIt, true)
  assert.equal(lockFolder(folder), undefined)
  const second = await contender(folder)
  assert.equal(second.hasIt, false)
  await kill(first.child)
  const third = await contender(folder)
  assert.equal(third.hasIt, true, 'what a dead process has left locks nothing')
  await kill(third.child)
  await kill(second.child)
  const lock = lockFolder(folder)
  assert.ok(lock)
  lock.release()
})

test('of many that come at once to what a dead process has left, one gets it', async () => {
  const folder = emptyFolder()
  await kill((await contender(folder)).child)
  const all = await Promise.all(Array.from({ length: 5 }, () => contender(folder)))
  assert.equal(all.filter(({ hasIt }) => hasIt).length, 1)
  for (const { child } of all) await kill(child)
})

test('a process has no folder twice, and can give it back', async () => {
  const [folder, other] = [emptyFolder(), emptyFolder()]
  const lock = lockFolder(folder)
  assert.ok(lock)
  assert.equal(lockFolder(folder), undefined)
  const stranger = await contender(folder)
  assert.equal(stranger.hasIt, false, 'the second try here has not opened it to others')
  await kill(stranger.child)
  const elsewhere = lockFolder(other)
  assert.ok(elsewhere)
  lock.release()
  lock.release()
  const again = lockFolder(folder)
  assert.ok(again)
  assert.deepEqual(readdirSync(folder), ['.lock'])
  again.release()
  elsewhere.release()
})
