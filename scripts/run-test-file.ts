import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestOutcome } from './test-reporter.ts'

export interface FileVerdict {
  readonly path: string
  readonly outcomes: readonly TestOutcome[]
  /** The last of what the file printed itself. */
  readonly output: string
  readonly spanMs: number
}

export interface RunOptions {
  /** The file is killed after this, and everything that it started in its own process group. */
  readonly limitMs: number
  readonly env: NodeJS.ProcessEnv
  /** Told at once of what the file prints, for files that run for long. */
  readonly onOutput?: (text: string) => void
  /** Kills the file when it aborts. */
  readonly signal: AbortSignal
}

const OUTPUT_CHARS_MAX = 20_000
const REPORTER = join(import.meta.dirname, 'test-reporter.ts')

/**
 * Runs one test file in a process of its own. Never rejects: a file that hangs, crashes, or has no test in it has one
 * failed outcome that says so. node:test's own runner asks a hung file to end and then waits for it; this one kills.
 */
export async function runTestFile(path: string, options: RunOptions): Promise<FileVerdict> {
  const startedAt = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
  const report = join(folder, 'outcomes')
  try {
    const args = [`--test-reporter=${REPORTER}`, `--test-reporter-destination=${report}`, path]
    const ended = await runProcess(args, options)
    const outcomes = readOutcomes(report)
    const trouble = troubleOf(ended, outcomes, options.limitMs)
    if (trouble !== undefined) outcomes.push({ name: path, outcome: 'failed', reason: trouble, at: path })
    return { path, outcomes, output: ended.output, spanMs: performance.now() - startedAt }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Ended {
  readonly how: 'by itself' | 'limit' | 'stopped'
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
}

function runProcess(args: readonly string[], options: RunOptions): Promise<Ended> {
  // A process group of its own, so that what a hung test started is killed with it.
  const child = spawn(process.execPath, args, { env: options.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  let how: Ended['how'] = 'by itself'
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_CHARS_MAX)
      options.onOutput?.(text)
    })
  }
  const kill = (why: Ended['how']): void => {
    how = why
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // Gone already.
    }
  }
  const timer = setTimeout(() => kill('limit'), options.limitMs)
  const onAbort = (): void => kill('stopped')
  options.signal.addEventListener('abort', onAbort, { once: true })
  return new Promise((resolve) => {
    const end = (code: number | null, signal: string | null): void => {
      clearTimeout(timer)
      options.signal.removeEventListener('abort', onAbort)
      // A process that the file left behind may hold these open for ever.
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ how, code, signal, output })
    }
    child.once('error', (error) => {
      output += error.message
      end(null, null)
    })
    // Not 'close', which waits for whoever inherited the output; the turn lets what was written be read.
    child.once('exit', (code, signal) => setImmediate(() => end(code, signal)))
  })
}

function troubleOf(ended: Ended, outcomes: readonly TestOutcome[], limitMs: number): string | undefined {
  if (ended.how === 'limit') return `still running after ${limitMs / 1000} s, so it was killed`
  if (ended.how === 'stopped') return 'stopped before its end'
  if (ended.signal !== null) return `ended by ${ended.signal}`
  const hasFailed = outcomes.some((one) => one.outcome === 'failed')
  if (ended.code !== 0 && !hasFailed) return `ended with status ${ended.code}, although no test failed`
  if (outcomes.length === 0) return 'has no tests'
  return undefined
}

function readOutcomes(report: string): TestOutcome[] {
  let text: string
  try {
    text = readFileSync(report, 'utf8')
  } catch {
    return []
  }
  // A line that was being written when the file was killed is cut off.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as TestOutcome)
}
