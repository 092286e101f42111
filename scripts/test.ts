/**
 * `npm test`: every test, group by group; `node scripts/test.ts unit engine` some groups; a path runs the files below
 * it. `--minutes N` runs the soak tests of what was chosen for so long each, `--seed S` makes their randomness.
 * The last line is `N passed, N failed`, and `, N skipped` where some were.
 */
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from './build.ts'
import { runTestFile } from './run-test-file.ts'
import type { FileVerdict } from './run-test-file.ts'
import { installMissing } from './setup.ts'

interface Group {
  readonly name: string
  readonly files: readonly string[]
  /** Files at once. Engines and crash walks are many processes each. */
  readonly atOnce: number
  /** A file is killed after this. Many times what it takes, so that only a hung one meets it. */
  readonly limitMs: number
  /** Whether tests in it use the tools of setup.ts. */
  readonly needsTools: boolean
}

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const CORES = availableParallelism()
/** Files with engines at once: they wait for disks and for each other's processes a quarter of their time. */
const BESIDE = CORES + 1
const MINUTE_MS = 60_000

const GROUPS: readonly Group[] = [
  group('unit', ['src/**/*.test.ts', 'scripts/**/*.test.ts'], { atOnce: CORES }),
  group('gates', ['tests/gates/**/*.test.ts'], { atOnce: 1, limitMs: 5 * MINUTE_MS }),
  // One file has all cores.
  group('sim', ['tests/sim/**/*.test.ts'], { atOnce: 1, limitMs: 15 * MINUTE_MS }),
  // The longest files first, so that none of them runs alone at the end.
  group('fault', ['tests/fault/**/*.test.ts'], { atOnce: BESIDE, limitMs: 30 * MINUTE_MS }),
  group('engine', ['tests/engine/**/*.test.ts'], { atOnce: BESIDE, limitMs: 10 * MINUTE_MS, needsTools: true }),
  group('compat', ['tests/compat/**/*.test.ts'], { atOnce: BESIDE, limitMs: 10 * MINUTE_MS, needsTools: true }),
  group('e2e', ['tests/e2e/**/*.test.ts'], { atOnce: BESIDE, limitMs: 10 * MINUTE_MS, needsTools: true }),
]

function group(name: string, files: readonly string[], options: Partial<Group> & { atOnce: number }): Group {
  return { name, files, limitMs: 3 * MINUTE_MS, needsTools: false, ...options }
}

/** Tests that go on for as long as they are told, with faults drawn from a seed. */
const SOAK = '-soak.test.ts'

interface Soak {
  readonly minutes: number
  readonly seed: number
}

/** Takes the options out of the arguments; a string says why they cannot be followed. */
function soakAsked(args: readonly string[]): { soak: Soak | undefined; rest: string[] } | string {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string' }, seed: { type: 'string' } },
    allowPositionals: true,
  })
  const minutes = Number(values.minutes ?? 0)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
  if (!(minutes >= 0) || !Number.isInteger(seed)) return '--minutes and --seed take numbers'
  const isAsked = values.minutes !== undefined || values.seed !== undefined
  return { soak: isAsked ? { minutes, seed } : undefined, rest: positionals }
}

/** Only what can soak, with the time that it needs. */
function soaking(work: readonly Work[], { minutes }: Soak): Work[] {
  return work
    .map(({ group: of, files }) => ({
      group: { ...of, atOnce: 1, limitMs: of.limitMs + minutes * MINUTE_MS },
      files: files.filter((file) => file.endsWith(SOAK)),
    }))
    .filter(({ files }) => files.length > 0)
}

interface Work {
  readonly group: Group
  readonly files: readonly string[]
}

/** What the arguments ask for; a string says why they cannot be followed. */
function chosen(args: readonly string[]): Work[] | string {
  const all = GROUPS.map((one) => ({ group: one, files: globSync([...one.files], { cwd: REPOSITORY }).sort() }))
  if (args.length === 0) return all
  const work: Work[] = []
  for (const arg of args) {
    const byName = all.find((one) => one.group.name === arg)
    const below = all.map(({ group: of, files }) => ({ group: of, files: files.filter((f) => f.startsWith(arg)) }))
    const matches = byName ? [byName] : below.filter((one) => one.files.length > 0)
    if (matches.length === 0)
      return `'${arg}' is no group (${GROUPS.map((one) => one.name).join(', ')}) and no test file`
    work.push(...matches)
  }
  return work
}

interface RunOptions {
  readonly signal: AbortSignal
  readonly soak: Soak | undefined
  /** What tests start as Holdfast: what was built, as a person would. */
  readonly program: string
}

/** Groups of which as many files run at once share the processors to the end: none waits for the last file of another. */
function together(work: readonly Work[]): Work[][] {
  const batches: Work[][] = []
  for (const one of work) {
    const last = batches.at(-1)
    if (last?.[0]!.group.atOnce === one.group.atOnce && one.group.atOnce > 1) last.push(one)
    else batches.push([one])
  }
  return batches
}

async function runBatch(batch: readonly Work[], { signal, soak, program }: RunOptions): Promise<FileVerdict[]> {
  // npm puts this on the PATH of its scripts; whoever starts this file in another way gets the same tools.
  const path = `${join(REPOSITORY, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`
  const env = {
    ...process.env,
    PATH: path,
    NODE_ENV: 'test',
    HOLDFAST_PROGRAM: program,
    // Tests start Holdfast some thousand times: half of the time of a start is compiling.
    NODE_COMPILE_CACHE: join(REPOSITORY, 'node_modules', '.cache', 'compiled'),
    ...(soak && { HOLDFAST_FAULT_MINUTES: String(soak.minutes), HOLDFAST_FAULT_SEED: String(soak.seed) }),
  }
  const waiting = batch.flatMap(({ group: of, files }) => files.map((file) => ({ of, file })))
  const verdicts: FileVerdict[] = []
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
      const { of, file } = next
      const verdict = await runTestFile(file, { limitMs: of.limitMs, env, signal, ...(soak && { onOutput: print }) })
      verdicts.push(verdict)
      console.log(lineOf(of.name, verdict))
    }
  }
  await Promise.all(Array.from({ length: batch[0]!.group.atOnce }, worker))
  return verdicts
}

const print = (text: string): void => void process.stdout.write(text)

function lineOf(groupName: string, verdict: FileVerdict): string {
  const { passed, failed, skipped } = count([verdict])
  const counts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`]
  const span = `${(verdict.spanMs / 1000).toFixed(1)} s`
  return `${failed > 0 ? 'FAILED' : 'ok    '}  ${groupName.padEnd(6)}  ${verdict.path}: ${counts.filter(Boolean).join(', ')} (${span})`
}

function count(verdicts: readonly FileVerdict[]): { passed: number; failed: number; skipped: number } {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { outcomes } of verdicts) for (const { outcome } of outcomes) counts[outcome]++
  return counts
}

function printFailures(verdicts: readonly FileVerdict[]): void {
  for (const { path, outcomes, output } of verdicts) {
    const failures = outcomes.filter((one) => one.outcome === 'failed')
    for (const { name, reason, at } of failures) console.log(`\n✖ ${name}\n  ${at}\n${indented(reason)}`)
    if (failures.length > 0 && output.trim() !== '') console.log(`\n  ${path} printed:\n${indented(output.trimEnd())}`)
  }
}

function printSkips(verdicts: readonly FileVerdict[]): void {
  const byReason = new Map<string, number>()
  for (const { outcomes } of verdicts) {
    for (const { outcome, reason } of outcomes) {
      if (outcome === 'skipped') byReason.set(reason, (byReason.get(reason) ?? 0) + 1)
    }
  }
  for (const [reason, times] of byReason) console.log(`${times} skipped: ${reason}`)
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '    ')
}

async function main(args: readonly string[]): Promise<void> {
  const asked = soakAsked(args)
  const found = typeof asked === 'string' ? asked : chosen(asked.rest)
  if (typeof asked === 'string' || typeof found === 'string') {
    console.error(typeof asked === 'string' ? asked : found)
    process.exitCode = 2
    return
  }
  const { soak } = asked
  const work = soak ? soaking(found, soak) : found
  if (soak) console.log(`soak of ${soak.minutes} minutes, seed ${soak.seed}: run it again with --seed ${soak.seed}`)
  process.chdir(REPOSITORY)
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  if (work.some((one) => one.group.needsTools && one.files.length > 0)) installMissing((line) => console.log(line))
  const verdicts: FileVerdict[] = []
  const options = { signal: stop.signal, soak, program: await build() }
  for (const batch of together(work)) if (!stop.signal.aborted) verdicts.push(...(await runBatch(batch, options)))
  printFailures(verdicts)
  const { passed, failed, skipped } = count(verdicts)
  console.log('')
  if (skipped > 0) printSkips(verdicts)
  if (stop.signal.aborted) console.log('Stopped: not everything was run.')
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  // No test at all is no success.
  process.exitCode = failed > 0 || passed === 0 || stop.signal.aborted ? 1 : 0
}

await main(process.argv.slice(2))
