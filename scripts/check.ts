/**
 * `npm run check`: every gate that needs no running code, in under a minute. One line per gate; what a failed gate has
 * to say comes below. `node scripts/check.ts types lint` runs some of them.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Gate {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Paths that the gate looks at. Some tools succeed when they find nothing to look at, so these must be there. */
  readonly paths: readonly string[]
}

export interface Verdict {
  readonly passed: boolean
  readonly output: string
  readonly spanMs: number
}

const CODE = ['src', 'tests', 'scripts']
export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const script = (name: string): string => join(REPOSITORY, 'scripts', name)

// Slowest first, so that the last one does not run alone.
export const GATES: readonly Gate[] = [
  gate('lint', 'oxlint', ['--type-aware', '--deny-warnings', '--format', 'unix', ...CODE], CODE),
  gate('dead code', 'knip', ['--no-progress', '--reporter', 'compact'], CODE),
  gate('types', 'tsc', ['--pretty', 'false'], CODE),
  gate('generated', process.execPath, ['scripts/gen.ts', '--check'], ['scripts/gen.ts']),
  gate('tidy', process.execPath, [script('tidy.ts')], CODE),
  gate('format', 'oxfmt', ['--check', ...CODE], CODE),
]

function gate(name: string, command: string, args: readonly string[], paths: readonly string[]): Gate {
  return { name, command, args, paths }
}

/** Runs one gate on the project in `root`. Never rejects: a gate that cannot run has failed. */
export async function runGate(one: Gate, root: string): Promise<Verdict> {
  const startedAt = performance.now()
  const verdict = (passed: boolean, output: string): Verdict => {
    return { passed, output, spanMs: performance.now() - startedAt }
  }
  const missing = one.paths.filter((path) => !existsSync(join(root, path)))
  if (missing.length > 0) return verdict(false, `nothing to look at: ${missing.join(', ')} missing\n`)
  const tools = join(REPOSITORY, 'node_modules', '.bin')
  const env = { ...process.env, PATH: `${tools}${delimiter}${process.env['PATH'] ?? ''}`, NO_COLOR: '1' }
  const child = spawn(one.command, one.args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(verdict(false, `${one.command} cannot be run: ${error.message}\n`)))
    child.once('close', (code) => resolve(verdict(code === 0, output)))
  })
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !GATES.some((one) => one.name === name))
  if (unknown.length > 0) {
    const known = GATES.map((one) => `'${one.name}'`).join(', ')
    console.error(`There is no gate '${unknown.join("', '")}'. Gates: ${known}.`)
    process.exitCode = 2
    return
  }
  const waiting = GATES.filter((one) => names.length === 0 || names.includes(one.name))
  const failed: { name: string; output: string }[] = []
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { passed, output, spanMs } = await runGate(next, REPOSITORY)
      console.log(`${passed ? 'ok    ' : 'FAILED'}  ${next.name.padEnd(10)} ${(spanMs / 1000).toFixed(1)} s`)
      if (!passed) failed.push({ name: next.name, output })
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
  for (const { name, output } of failed) console.log(`\n── ${name}\n${output.trimEnd()}`)
  process.exitCode = failed.length > 0 ? 1 : 0
}

if (import.meta.main) await main(process.argv.slice(2))
