import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { eventually } from '../../tests/support/eventually.ts'
import { isAlive, processOf, runCommand, signal, spawnDetached, startTimeOf } from './process.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-process-'))
const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }

/** Ends its first thread by the system call of that name, which ends no other. */
const LEADERLESS = `
import ctypes, platform, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).syscall({'x86_64': 60, 'aarch64': 93}[platform.machine()], 0)
`

function withoutThreads(): string | false {
  if (process.platform !== 'linux') return 'only Linux shows the threads of a process that has no first one'
  return spawnSync('python3', ['-c', '']).status === 0 ? false : 'python3 is not installed'
}

after(() => rmSync(root, { recursive: true, force: true }))

test('a detached process runs in its own session with only the environment it was given', async () => {
  const outputPath = join(root, 'output')
  const script = 'echo "$GREETING $SHELL_SECRET"; ps -o sid= -p $$; echo oops >&2'
  const started = await spawnDetached('sh', ['-c', script], { env: { ...env, GREETING: 'hello' }, outputPath })
  assert.deepEqual(await started.exited, { code: 0, signal: undefined })
  const [greeting, session, oops] = readFileSync(outputPath, 'utf8').trim().split('\n')
  assert.equal(greeting?.trim(), 'hello')
  assert.equal(Number(session), started.pid)
  assert.equal(oops, 'oops')
})

test('a command that is not there rejects', async () => {
  await assert.rejects(spawnDetached('/no/such/command', [], { env }), /run \/no\/such\/command/)
  await assert.rejects(runCommand('/no/such/command', [], { env }), /run \/no\/such\/command/)
})

test('a process is known by pid and start time together', async () => {
  const started = await spawnDetached('sleep', ['60'], { env })
  assert.equal(startTimeOf(started.pid), started.startedAt)
  assert.equal(isAlive(started), true)
  assert.equal(isAlive({ pid: started.pid, startedAt: 'another time' }), false)
  assert.equal(signal({ pid: started.pid, startedAt: 'another time' }, 'SIGKILL'), false)
  assert.equal(isAlive(started), true)
  assert.equal(signal(started, 'SIGTERM'), true)
  assert.deepEqual(await started.exited, { code: undefined, signal: 'SIGTERM' })
  assert.equal(isAlive(started), false)
  assert.equal(signal(started, 'SIGTERM'), false)
})

test('a dead process that its parent has not reaped does not count as alive', async () => {
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const zombie = Number(await new Promise<string>((resolve) => parent.stdout.once('data', (d) => resolve(String(d)))))
  const watched = processOf(zombie)
  if (watched) await watched.exited
  assert.equal(startTimeOf(zombie), undefined)
  parent.kill('SIGKILL')
})

test('a process lives as long as any of its threads', { skip: withoutThreads() }, async () => {
  const started = await spawnDetached('python3', ['-c', LEADERLESS], { env })
  const stat = (): string => readFileSync(`/proc/${started.pid}/stat`, 'latin1')
  await eventually('its first thread has ended', () => (stat().includes(') Z ') ? true : undefined))
  assert.equal(isAlive(started), true)
  assert.equal(signal(started, 'SIGKILL'), true)
  await started.exited
  assert.equal(isAlive(started), false)
})

test('the end of a process that another parent has is noticed', async () => {
  const started = await spawnDetached('sleep', ['60'], { env })
  const adopted = processOf(started.pid)
  assert.equal(adopted?.startedAt, started.startedAt)
  let gone = false
  const watched = adopted!.exited.then(() => (gone = true))
  assert.equal(gone, false)
  signal(started, 'SIGKILL')
  // The watcher's timer alone must not keep a process alive, so something else has to here.
  const keepAlive = setInterval(() => {}, 1_000)
  await watched
  clearInterval(keepAlive)
  assert.equal(processOf(started.pid), undefined)
})

test('a command gives its status and what it said, and takes its input', async () => {
  const said = await runCommand('sh', ['-c', 'cat; echo bad >&2; exit 3'], { env, input: 'good' })
  assert.deepEqual(said, { code: 3, signal: undefined, stdout: 'good', stderr: 'bad\n' })
})

test('a command dies with its signal', async () => {
  const stop = new AbortController()
  const reason = new Error('cancelled')
  const running = runCommand('sh', ['-c', 'echo up; exec sleep 60'], {
    env,
    signal: stop.signal,
    onOutput: () => stop.abort(reason),
  })
  await assert.rejects(running, reason)
})
