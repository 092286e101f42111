/** `start --detach`, `status` and `stop` together, on simulated engines: the life of a Holdfast as CI uses it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/free-port.ts'

const BINARY = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'holdfast-start-'))
const started: string[] = []

after(() => {
  for (const endpoint of started) holdfast(['stop', '--endpoint', endpoint])
  rmSync(root, { recursive: true, force: true })
})

function holdfast(args: readonly string[]): { stdout: string; stderr: string; status: number | null } {
  const env = { PATH: process.env['PATH'], HOME: root }
  return spawnSync(process.execPath, [BINARY, ...args], { env, encoding: 'utf8' })
}

test('a Holdfast that was started in the background answers, and stops when it is told to', async () => {
  const port = String(await freePort())
  const endpoint = `http://127.0.0.1:${port}`
  const start = ['start', '--detach', '--engines', 'simulated', '--port', port, '--state', join(root, 'state')]
  const ready = holdfast([...start, '--json'])
  started.push(endpoint)
  assert.equal(ready.status, 0, ready.stderr)
  const { pid } = JSON.parse(ready.stdout) as { pid: number }

  const status = holdfast(['status', '--json', '--endpoint', endpoint])
  assert.equal(status.status, 0, status.stderr)
  const state = JSON.parse(status.stdout) as { pid: number; engines: string; dbInstances: unknown[] }
  assert.deepEqual([state.pid, state.engines, state.dbInstances], [pid, 'simulated', []])

  const second = holdfast(start)
  assert.equal(second.status, 1)
  assert.match(second.stderr, /ended before it was ready[^]*serve\.log/)

  const stopped = holdfast(['stop', '--endpoint', endpoint])
  assert.equal(stopped.status, 0, stopped.stderr)
  assert.equal(holdfast(['status', '--endpoint', endpoint]).status, 3)
  assert.match(readFileSync(join(root, 'state', 'serve.log'), 'utf8'), /Ready\./)
})

test('beyond loopback it does not start without access keys, and says what to do', async () => {
  const refused = holdfast(['start', '--host', '0.0.0.0', '--port', String(await freePort()), '--engines', 'simulated'])
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /access keys/)
  assert.match(refused.stderr, /Next: .*--access-keys/)
})
