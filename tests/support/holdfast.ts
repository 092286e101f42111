/** Runs Holdfast as a process, as a person would, in a folder of its own that goes away with it. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RDSClient } from '@aws-sdk/client-rds'
import { program } from './program.ts'

export { eventually } from './eventually.ts'

export interface HoldfastOptions {
  readonly engines?: 'real' | 'simulated'
  readonly state?: string
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** Runs it under another account than ours, for which we must be root. */
  readonly account?: { readonly uid: number; readonly gid: number }
}

export interface Holdfast {
  readonly process: ChildProcess
  readonly url: string
  readonly state: string
  /** Everything it printed so far. */
  output(): string
  rds(options?: { account?: string; region?: string }): RDSClient
  /** Resolves with the exit code or the signal's name. */
  readonly exited: Promise<number | string>
  kill(): Promise<void>
  /** Ctrl-C. The state folder stays. */
  stop(): Promise<void>
}

export const newStateFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'holdfast-test-'))

/**
 * A range of ports for each test process, so that files that run at once do not take each other's: away from the usual
 * ports and from those that the system gives to clients.
 */
const PORTS_EACH = 40
const first = 10_000 + (process.pid % 500) * PORTS_EACH
const PORTS = `${first}-${first + PORTS_EACH - 1}`

/** Starts and waits for `Ready.`. Throws what was printed when it ends instead. */
export async function startHoldfast(options: HoldfastOptions = {}): Promise<Holdfast> {
  const state = options.state ?? (await newStateFolder())
  const engines = options.engines ?? 'real'
  const child = spawn(
    process.execPath,
    [program(), 'start', '--port', '0', '--state', state, '--engines', engines, ...(options.args ?? [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOLDFAST_CRASH_AT: '', HOLDFAST_ENGINE_PORTS: PORTS, ...options.env },
      detached: true,
      ...options.account,
    },
  )
  let printed = ''
  const ready = Promise.withResolvers<string>()
  const collect = (chunk: Buffer): void => {
    printed += chunk.toString()
    const url = /(http:\/\/\S+:\d+)\nReady\./.exec(printed)?.[1]
    if (url !== undefined) ready.resolve(url)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const exited = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | string)
  void exited.then((how) => ready.reject(new Error(`Holdfast ended (${how}) before it was ready:\n${printed}`)))
  const url = await ready.promise
  return {
    process: child,
    url,
    state,
    exited,
    output: () => printed,
    rds: ({ account = 'test', region = 'us-east-1' } = {}) =>
      new RDSClient({
        endpoint: url,
        region,
        credentials: { accessKeyId: account, secretAccessKey: 'test' },
        maxAttempts: 1,
      }),
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    async stop() {
      child.kill('SIGINT')
      await exited
    },
  }
}

/** Stops Holdfast if it still runs, proves that no process of its state folder is left, and removes the folder. */
export async function discard(holdfast: Holdfast): Promise<void> {
  // It was not killed and nobody asked: what it printed says why.
  if ((holdfast.process.exitCode ?? 0) !== 0) console.error(`Holdfast ended by itself:\n${holdfast.output()}`)
  if (holdfast.process.exitCode === null && holdfast.process.signalCode === null) await holdfast.stop()
  const left = await processesOf(holdfast.state)
  for (const { pid } of left) process.kill(pid, 'SIGKILL')
  await rm(holdfast.state, { recursive: true, force: true })
  assert.deepEqual(left, [], 'Holdfast left processes behind')
}

/** What `GET /_holdfast/health` says, as far as tests look at it. */
export interface Health {
  readonly pid: number
  readonly zones: readonly { zone: string; agent: { pid: number } | null; instances: number }[]
  readonly flows: readonly { name: string; subject: string; step: string; lastError?: string }[]
}

export const health = async (holdfast: Holdfast): Promise<Health> =>
  (await (await fetch(`${holdfast.url}/_holdfast/health`)).json()) as Health

export interface ProcessFacts {
  readonly pid: number
  readonly command: string
}

/** Processes that name this folder in their command line: agents and engines. */
export async function processesOf(folder: string): Promise<ProcessFacts[]> {
  // What is found may be killed, and the name of no folder is in every command line.
  assert.match(folder, /\w{4}/)
  const found: ProcessFacts[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(folder)) found.push({ pid: Number(name), command: command.replaceAll('\0', ' ').trim() })
  }
  return found
}
