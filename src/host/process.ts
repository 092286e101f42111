/**
 * Other processes: started so that they outlive this one, recognised again later, watched and signalled.
 *
 * A pid alone names nobody: the system gives it away again. A process is named by its pid together with when it
 * started, and that by the boot it started in.
 */
import { systemClock } from './clock.ts'
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import type { Account } from './account.ts'
import { codeOf } from './disk.ts'
import { COMMAND_OUTPUT_BYTES_MAX, FOREIGN_PROCESS_LOOK_MS } from './limits.ts'

export interface ProcessIdentity {
  readonly pid: number
  /** When it started, in a form that is only good for comparing. */
  readonly startedAt: string
}

export interface ExitFacts {
  /** Exit status; undefined when a signal ended it, or when it was not our child. */
  readonly code: number | undefined
  readonly signal: string | undefined
}

export interface RunningProcess extends ProcessIdentity {
  /** Resolves when the process is gone, however it went. Never rejects. */
  readonly exited: Promise<ExitFacts>
}

export interface SpawnOptions {
  readonly cwd?: string
  /** The whole environment of the process; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  /** Runs as this account; undefined: as whoever runs this process. */
  readonly account?: Account | undefined
  /** File to which stdout and stderr are appended; undefined: they are thrown away. */
  readonly outputPath?: string
}

/**
 * Starts a process in a session of its own: it outlives this one, and a terminal's Ctrl-C does not reach it. Resolves
 * once it runs; rejects when it cannot be run at all.
 */
export async function spawnDetached(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<RunningProcess> {
  // Opened synchronously, so that no await lies between opening and closing this descriptor.
  const output = options.outputPath === undefined ? undefined : openSync(options.outputPath, 'a', 0o640)
  try {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', output ?? 'ignore', output ?? 'ignore'],
      env: options.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.account && { uid: options.account.uid, gid: options.account.gid }),
    })
    const exited = new Promise<ExitFacts>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }))
    })
    child.unref()
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (cause) => reject(new Error(`run ${command}`, { cause })))
    })
    const pid = child.pid!
    // A process that is gone already left no start time; its `exited` resolves all the same.
    return { pid, startedAt: startTimeOf(pid) ?? 'gone', exited }
  } finally {
    if (output !== undefined) closeSync(output)
  }
}

/**
 * When the process with this pid started; undefined when there is none. A dead one that nobody has reaped is none; one
 * of which threads are left is alive, whatever has become of its first one: it still has its locks and its ports.
 */
export function startTimeOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  return process.platform === 'linux' ? linuxStartTime(pid) : otherStartTime(pid)
}

/** True while this very process lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startedAt
}

/** The process that has this pid now; undefined when there is none. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startedAt = startTimeOf(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

/** The same, watched. It is not necessarily our child. */
export function processOf(pid: number): RunningProcess | undefined {
  const identity = identityOf(pid)
  return identity && { ...identity, exited: watchExit(identity) }
}

/** Resolves when this very process is gone. Keeps the caller's process alive until then, which `exited` does not. */
export async function whenGone(identity: ProcessIdentity): Promise<void> {
  while (isAlive(identity)) await systemClock.sleep(FOREIGN_PROCESS_LOOK_MS / 10)
}

/** Sends a signal to this very process; false when it is gone. Throws when we may not. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    return process.kill(identity.pid, name)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
    throw error
  }
}

/**
 * Node offers no way to be told of the end of a process that is not its child, so this looks at it now and then. The
 * timer does not keep this process alive.
 */
function watchExit(identity: ProcessIdentity): Promise<ExitFacts> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (isAlive(identity)) return
      clearInterval(timer)
      resolve({ code: undefined, signal: undefined })
    }, FOREIGN_PROCESS_LOOK_MS)
    timer.unref()
  })
}

export interface CommandOptions extends Omit<SpawnOptions, 'outputPath'> {
  /** Given to the command's standard input. */
  readonly input?: string
  /** Kills the command when it aborts. */
  readonly signal?: AbortSignal
  readonly onOutput?: (text: string) => void
}

/**
 * Runs a command to its end and collects what it said (the last few MB of it). A status other than 0 is a result, not
 * an error; rejects when it cannot be run at all, or with the signal's reason.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<ExitFacts & { stdout: string; stderr: string }> {
  options.signal?.throwIfAborted()
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.account && { uid: options.account.uid, gid: options.account.gid }),
  })
  const onAbort = (): void => void child.kill('SIGKILL')
  options.signal?.addEventListener('abort', onAbort, { once: true })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] = (said[stream] + text).slice(-COMMAND_OUTPUT_BYTES_MAX)
      options.onOutput?.(text)
    })
  }
  // A command that ends without reading its input breaks the pipe; its status says what matters.
  child.stdin.on('error', () => {}).end(options.input ?? '')
  try {
    const exit = await new Promise<ExitFacts>((resolve, reject) => {
      child.once('error', (cause) => reject(new Error(`run ${command}`, { cause })))
      child.once('close', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }))
    })
    options.signal?.throwIfAborted()
    return { ...exit, ...said }
  } finally {
    options.signal?.removeEventListener('abort', onAbort)
  }
}

let bootId: string | undefined

function linuxStartTime(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    // ESRCH: it ended between the opening and the reading.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined
    throw error
  }
  // The name in parentheses may contain anything, so fields are counted from its end: the first after it is field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, threads, ticks] = [fields[0], Number(fields[17]), fields[19]]
  if (state === 'X' || (state === 'Z' && threads <= 1)) return undefined
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  return `${bootId}/${ticks}`
}

function otherStartTime(pid: number): string | undefined {
  try {
    const said = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return said === '' || said.startsWith('Z') ? undefined : said.replace(/^\S+\s+/, '')
  } catch {
    // ps ends with status 1 when there is no such process.
    return undefined
  }
}
