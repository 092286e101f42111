/**
 * Heads as processes of this host: started detached, found again by the socket on which they listen, ended. A head is named
 * by what it says itself when it is asked, so that one which an agent had just started when it died is found too.
 */
// docs/protocol/head.md.
import { join } from 'node:path'
import { InvariantError } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import { makeFolder, removeTree, writeFileDurably } from '#host/disk.ts'
import { dial, socketFolder, type Socket } from '#host/net.ts'
import { isAlive, processOf, signal as signalProcess, spawnDetached, type RunningProcess } from '#host/process.ts'
import { FrameDecoder, encodeFrame } from '#wire/agent/frames.ts'
import { FRAME_BYTES_MAX } from '#wire/agent/limits.ts'
import {
  HEAD_PROTOCOL_VERSION,
  type FromHead,
  type HeadSpec,
  type HeadStatus,
  type ToHead,
} from '#wire/head/messages.ts'
import type { HeadProcess, HeadProcesses } from './head-process.ts'
import { HEAD_DIAL_LOOK_MS, HEAD_GREETING_MS_MAX } from './limits.ts'

export interface HeadProgram {
  /** Of this host: `<instance>/` in it is the head's. */
  readonly folder: string
  /** What runs as a head; it gets `--spec <its file>`. */
  readonly program: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Of this program: a head of another one is not the one that is wanted. */
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

const SPEC_FILE = 'spec.json'
const SOCKET = 'head.sock'

export function headProcesses(options: HeadProgram): HeadProcesses {
  const folderOf = (instance: string): string => join(options.folder, instance)
  const find = async (instance: string): Promise<RunningHead | undefined> => {
    const path = join(await socketFolder(folderOf(instance), SOCKET), SOCKET)
    const socket = await dial({ path }).catch(() => undefined)
    return socket && greeted(socket, options)
  }
  return {
    async run(instance, spec, signal) {
      for (let started: RunningProcess | undefined; ;) {
        signal.throwIfAborted()
        const found = await find(instance)
        if (found?.leads(spec.epoch)) return found
        if (found) await found.kill()
        else if (!started || !isAlive(started)) started = await launch(folderOf(instance), spec, options)
        await options.clock.sleep(HEAD_DIAL_LOOK_MS, signal)
      }
    },
    async end(instance) {
      for (let found = await find(instance); found; found = await find(instance)) await found.kill()
      await removeTree(folderOf(instance))
    },
  }
}

async function launch(folder: string, spec: HeadSpec, { program, env, log }: HeadProgram): Promise<RunningProcess> {
  await makeFolder(folder, { mode: 0o700 })
  const file = join(folder, SPEC_FILE)
  await writeFileDurably(file, JSON.stringify(spec), { mode: 0o600 })
  const [command, ...args] = [...program, '--spec', file]
  const started = await spawnDetached(command!, args, { env, outputPath: join(folder, 'head.log') })
  log.info({ volume: spec.volume, epoch: spec.epoch, pid: started.pid }, 'started a head')
  return started
}

/** Undefined: whoever listens there is no head, or says nothing in time. */
async function greeted(socket: Socket, { clock, version }: HeadProgram): Promise<RunningHead | undefined> {
  const greeting = Promise.withResolvers<RunningHead | undefined>()
  const decoder = new FrameDecoder(FRAME_BYTES_MAX)
  const timer = clock.after(HEAD_GREETING_MS_MAX, () => greeting.resolve(undefined))
  let head: RunningHead | undefined
  socket.on('error', () => {})
  socket.once('close', () => greeting.resolve(undefined))
  socket.on('data', (piece: Buffer) => {
    try {
      for (const message of decoder.push(piece) as FromHead[]) {
        head ??= headOf(socket, message, version)
        head?.take(message)
        greeting.resolve(head)
      }
    } catch (error) {
      if (error instanceof InvariantError) throw error
      socket.destroy()
    }
  })
  const found = await greeting.promise
  timer.cancel()
  if (!found) socket.destroy()
  return found
}

function headOf(socket: Socket, { pid, ...said }: FromHead, version: string): RunningHead | undefined {
  const running = processOf(pid)
  const isOurs = said.protocol === HEAD_PROTOCOL_VERSION && said.version === version
  return running && new RunningHead(socket, running, isOurs ? said.epoch : undefined)
}

class RunningHead implements HeadProcess {
  readonly ended: Promise<void>
  private readonly epoch: number | undefined
  private readonly socket: Socket
  private readonly running: RunningProcess
  private listener: ((status: HeadStatus) => void) | undefined
  private last: HeadStatus | undefined

  constructor(socket: Socket, running: RunningProcess, epoch: number | undefined) {
    this.socket = socket
    this.running = running
    this.epoch = epoch
    // A head hangs up when it ends, or when another agent has dialled in.
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  get pid(): number {
    return this.running.pid
  }

  leads(epoch: number): boolean {
    return this.epoch === epoch
  }

  onStatus(listener: (status: HeadStatus) => void): void {
    this.listener = listener
    if (this.last) listener(this.last)
  }

  take(status: HeadStatus): void {
    this.last = status
    this.listener?.(status)
  }

  tell(message: ToHead): void {
    if (!this.socket.destroyed) this.socket.write(encodeFrame(message))
  }

  leave(): void {
    this.listener = undefined
    this.socket.destroy()
  }

  async kill(): Promise<void> {
    signalProcess(this.running, 'SIGKILL')
    await this.running.exited
    this.leave()
  }
}
