import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runTestFile } from './run-test-file.ts'
import type { FileVerdict } from './run-test-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-runner-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

/** Long enough for any file that ends by itself. */
const PLENTY_MS = 120_000

function run(text: string, options: { limitMs?: number; signal?: AbortSignal } = {}): Promise<FileVerdict> {
  const path = join(folder, `file-${++files}.test.mjs`)
  writeFileSync(path, `import { describe, test } from 'node:test'\n${text}`)
  const { limitMs = PLENTY_MS, signal = new AbortController().signal } = options
  // The variable by which node:test tells its own children from other processes.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return runTestFile(path, { limitMs, env, signal })
}

const brief = (verdict: FileVerdict): string[] => verdict.outcomes.map((one) => `${one.outcome} ${one.name}`)

test('every test counts once: passed, failed or skipped, suites and parents that fail with it do not', async () => {
  const verdict = await run(`
    test('good', () => {})
    test('bad', () => { console.log('seen'); throw new Error('the reason', { cause: new Error('the cause') }) })
    test('left out', { skip: 'no tool' }, () => {})
    describe('suite', () => { test('inner good', () => {}); test('inner bad', () => { throw new TypeError('inner') }) })
    test('parent', async (t) => { await t.test('child', () => { throw new Error('child') }) })
  `)
  assert.deepEqual(brief(verdict).sort(), [
    'failed bad',
    'failed child',
    'failed inner bad',
    'passed good',
    'passed inner good',
    'skipped left out',
  ])
  const bad = verdict.outcomes.find((one) => one.name === 'bad')!
  assert.match(bad.reason, /the reason[^]*caused by[^]*the cause/)
  assert.match(bad.at, /file-\d+\.test\.mjs:\d+$/)
  assert.equal(verdict.outcomes.find((one) => one.name === 'left out')?.reason, 'no tool')
  assert.match(verdict.output, /seen/)
})

test('a hung file is killed and named, also one that does not listen; what ran before counts', async () => {
  const text = `process.on('SIGTERM', () => {})\ntest('good', () => {})\ntest('hangs', () => { for (;;); })`
  const verdict = await run(text, { limitMs: 3_000 })
  const last = verdict.outcomes.at(-1)!
  assert.equal(last.outcome, 'failed')
  assert.equal(last.name, verdict.path)
  assert.match(last.reason, /still running after 3 s/)
})

test('a file that crashes, ends badly, or has no tests has failed', async () => {
  const reason = async (text: string): Promise<string> => {
    const { outcomes } = await run(text)
    assert.equal(outcomes.at(-1)?.outcome, 'failed')
    return outcomes.at(-1)!.reason
  }
  assert.match(await reason("test('x', () => { process.kill(process.pid, 'SIGKILL') })"), /ended by SIGKILL/)
  assert.match(await reason("test('x', () => {})\nprocess.on('exit', () => { process.exitCode = 3 })"), /status 3/)
  assert.match(await reason(''), /has no tests/)
  assert.match(await reason('nonsense('), /ended with status 1/)
})

test('a file is stopped when the run is', async () => {
  const stop = new AbortController()
  const verdict = run("test('never', () => new Promise(() => setInterval(() => {}, 1000)))", { signal: stop.signal })
  stop.abort()
  assert.match((await verdict).outcomes.at(-1)!.reason, /stopped before its end/)
})
