import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { systemClock } from '#host/clock.ts'
import { openSqliteStore } from '#store/sqlite-store.ts'
import { StoreBusyError } from '#store/store.ts'

const WRITER = join(import.meta.dirname, 'store', 'writer.ts')
const ROUNDS = 5

/** Lets a writer run until it has acknowledged `commits` more, kills it, and gives the last number it acknowledged. */
async function writeAndKill(path: string, commits: number, whileRunning: () => void): Promise<number> {
  const child = spawn(process.execPath, [WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let acknowledged = -1
  let seen = 0
  for await (const line of createInterface(child.stdout)) {
    acknowledged = Number(line)
    if (++seen === 1) whileRunning()
    if (seen === commits) child.kill('SIGKILL')
  }
  const [, signal] = (await exited) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', 'the writer was killed and did not end by itself')
  return acknowledged
}

test('kill -9 loses no acknowledged commit, tears none apart, and frees the file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-kill-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'state.db')
  for (let round = 0; round < ROUNDS; round++) {
    const acknowledged = await writeAndKill(path, 50 + 37 * round, () => {
      assert.throws(() => openSqliteStore(path, systemClock), StoreBusyError, 'another process has the file open')
    })
    const store = openSqliteStore(path, systemClock)
    const { entries } = await store.range('n/')
    assert.ok(entries.length > acknowledged, `${entries.length} records, ${acknowledged} was acknowledged`)
    for (const [n, entry] of entries.entries()) assert.equal(entry.value.length, n % 5_000)
    assert.equal((await store.get('count'))!.value, String(entries.length))
    await store.close()
  }
})
