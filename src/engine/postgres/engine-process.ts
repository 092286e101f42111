/** The postmaster: started, found again, watched, stopped. */
import { join } from 'node:path'
import { assert } from '#base/assert.ts'
import { emptyFolder, readText, removeTree, writeFileDurably } from '#host/disk.ts'
import { isAlive, processOf, signal as signalProcess, spawnDetached } from '#host/process.ts'
import type { ProcessIdentity, RunningProcess } from '#host/process.ts'
import type { InstanceSpec, StopMode } from '#wire/agent/messages.ts'
import type { EngineProcess } from '../engine.ts'
import { LAST_WORDS_LOOK_MS, LAST_WORDS_MS_MAX, READY_LOOK_MS_MAX, READY_LOOK_MS_MIN } from '../limits.ts'
import { cancelledOf, dataOf, processFileOf, startLogOf } from './layout.ts'
import { disownLockFiles, readLockFile } from './lock-file.ts'
import { logMark, wordsSince } from './logs.ts'
import { withSession } from './sql.ts'
import { startFailure } from './start-failure.ts'
import type { Surroundings } from './surroundings.ts'

export class PostgresProcess implements EngineProcess {
  readonly identity: ProcessIdentity
  readonly exited: Promise<void>

  constructor(running: RunningProcess) {
    this.identity = { pid: running.pid, startedAt: running.startedAt }
    this.exited = running.exited.then(() => {})
  }

  get pid(): number {
    return this.identity.pid
  }
}

interface Launch {
  readonly folder: string
  readonly spec: InstanceSpec
  /** The program `postgres` of the spec's version. */
  readonly binary: string
  readonly signal: AbortSignal
}

/** Resolves once the engine accepts connections. Nothing runs when it throws. */
export async function startEngine(launch: Launch, surroundings: Surroundings): Promise<PostgresProcess> {
  const { folder, spec, signal } = launch
  // Whether the pid in a left-over file is somebody's is not asked: it may become somebody's before the engine looks,
  // and to the engine also a dead process that nobody has reaped yet is somebody.
  assert(!(await adoptEngine(folder, surroundings)), 'an engine is started only where none runs')
  await disownLockFiles(folder, spec.port, surroundings)
  const mark = await logMark(folder)
  await removeTree(startLogOf(folder))
  // No session has been cancelled yet.
  await emptyFolder(cancelledOf(folder), { mode: 0o700, account: surroundings.account })
  signal.throwIfAborted()
  const engine = new PostgresProcess(
    await spawnDetached(launch.binary, ['-D', dataOf(folder)], {
      cwd: folder,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      account: surroundings.account,
      outputPath: startLogOf(folder),
    }),
  )
  try {
    await remember(folder, engine.identity, surroundings)
    const isReady = await waitUntilReady(folder, engine, { signal, surroundings })
    signal.throwIfAborted()
    if (isReady) return engine
  } catch (error) {
    signalProcess(engine.identity, 'SIGQUIT')
    await engine.exited
    throw error
  }
  throw startFailure(await lastWords(folder, mark, surroundings), Object.keys(spec.settings))
}

/** False when the engine ended instead. The engine itself says so in its lock file, before its first client could know. */
export async function waitUntilReady(
  folder: string,
  engine: PostgresProcess,
  { signal, surroundings }: { signal: AbortSignal; surroundings: Surroundings },
): Promise<boolean> {
  let ended = false
  void engine.exited.then(() => (ended = true))
  for (let lookMs = READY_LOOK_MS_MIN; !ended; lookMs = Math.min(lookMs * 1.1, READY_LOOK_MS_MAX)) {
    const lock = await readLockFile(folder)
    if (lock?.pid === engine.pid && lock.isReady) return true
    await surroundings.clock.sleep(lookMs, signal)
  }
  return false
}

async function lastWords(folder: string, mark: ReadonlyMap<string, number>, { clock }: Surroundings): Promise<string> {
  const until = clock.monotonic() + LAST_WORDS_MS_MAX
  for (;;) {
    const words = await wordsSince(folder, mark)
    if (/\b(FATAL|PANIC): |^postgres: /m.test(words) || clock.monotonic() > until) return words
    await clock.sleep(LAST_WORDS_LOOK_MS)
  }
}

async function remember(folder: string, identity: ProcessIdentity, { account }: Surroundings): Promise<void> {
  await writeFileDurably(processFileOf(folder), JSON.stringify(identity), { mode: 0o600, account })
}

/** The engine that runs on this folder, whoever started it; undefined when none does. */
export async function adoptEngine(folder: string, surroundings: Surroundings): Promise<PostgresProcess | undefined> {
  const lock = await readLockFile(folder)
  const written = await readText(processFileOf(folder))
  const known = written === undefined ? undefined : (JSON.parse(written) as ProcessIdentity)
  // Also before it has written its lock file: an agent may die between the two.
  if (known && isAlive(known)) return new PostgresProcess(processOf(known.pid)!)
  const running = lock && processOf(lock.pid)
  if (!running || !(await servesFolder(running.pid, folder, surroundings))) return undefined
  await remember(folder, running, surroundings)
  return new PostgresProcess(running)
}

/**
 * Whether a process that the lock file names, and no agent remembered, is this folder's engine: its command line says
 * so where the system shows it; else somebody answers to our password on the socket that only this folder's engine has.
 */
async function servesFolder(pid: number, folder: string, surroundings: Surroundings): Promise<boolean> {
  const command = await readText(join('/proc', String(pid), 'cmdline'))
  if (command !== undefined) return command.split('\0').includes(dataOf(folder))
  try {
    return await withSession({ folder, surroundings }, async () => true)
  } catch {
    return false
  }
}

const signalOf = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const satisfies Record<StopMode, string>
const modes = ['smart', 'fast', 'immediate'] as const

/** Resolves when the process is gone. The last resort loses nothing either: the next start recovers from the log. */
export async function stopEngine(
  engine: EngineProcess,
  mode: StopMode,
  patience: { readonly ms: number; readonly surroundings: Surroundings },
): Promise<void> {
  assert(engine instanceof PostgresProcess, 'a driver stops only what it started or adopted')
  for (const harder of modes.slice(modes.indexOf(mode))) {
    signalProcess(engine.identity, signalOf[harder])
    if (await endsWithin(engine, patience.ms, patience.surroundings)) return
  }
  signalProcess(engine.identity, 'SIGKILL')
  await engine.exited
}

/** Its children end by themselves when they find it gone, within moments; a start waits for the shared memory they hold. */
export async function killEngine(engine: EngineProcess): Promise<void> {
  assert(engine instanceof PostgresProcess, 'a driver kills only what it started or adopted')
  signalProcess(engine.identity, 'SIGKILL')
  await engine.exited
}

async function endsWithin(engine: PostgresProcess, ms: number, { clock }: Surroundings): Promise<boolean> {
  const late = Promise.withResolvers<false>()
  const timer = clock.after(ms, () => late.resolve(false))
  try {
    return await Promise.race([engine.exited.then(() => true), late.promise])
  } finally {
    timer.cancel()
  }
}
