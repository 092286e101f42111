/**
 * The driver without processes: every operation succeeds at once, on folders that exist only in this object. For
 * infrastructure-as-code tests and for tests of scale. What it can find wrong, it does: an unknown version, an absent
 * instance, an absent snapshot.
 */
import { assert } from '#base/assert.ts'
import type { InstanceSpec, StopMode } from '#wire/agent/messages.ts'
import { EngineError, type EngineDriver, type EngineProcess } from './engine.ts'

interface SimulatedFolder {
  readonly log: string[]
  process: SimulatedProcess | undefined
}

interface SimulatedProcess extends EngineProcess {
  readonly end: (mode: StopMode) => void
}

export interface SimulatedOptions {
  /** Versions that can be had; anything else is `engine-unavailable`. */
  readonly versions: readonly string[]
}

const LOG_NAME = 'postgresql.log'

export function simulatedDriver({ versions }: SimulatedOptions): EngineDriver {
  const known = new Set(versions)
  const folders = new Map<string, SimulatedFolder>()
  let lastPid = 0

  const folderOf = (folder: string): SimulatedFolder => {
    const found = folders.get(folder)
    if (!found) throw new EngineError('failed', 'the instance has no data')
    return found
  }
  const make = (folder: string, line: string): void => {
    folders.set(folder, { log: [line], process: undefined })
  }
  const requireVersion = (version: string): void => {
    if (!known.has(version)) throw new EngineError('engine-unavailable', `PostgreSQL ${version} is not known`)
  }
  const runIn = (found: SimulatedFolder): SimulatedProcess => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = (mode: StopMode): void => {
      found.process = undefined
      found.log.push(`simulated PostgreSQL was stopped (${mode})`)
      resolve()
    }
    return { pid: ++lastPid, exited: promise, end }
  }

  return {
    name: 'postgres',
    installed: async () => [...known],
    async prepare(version) {
      requireVersion(version)
      return { fetched: false }
    },
    async initialize(folder, { version }) {
      requireVersion(version)
      make(folder, `simulated PostgreSQL ${version} was initialized`)
    },
    async restore(folder, { version }, snapshotFolder) {
      folderOf(snapshotFolder)
      make(folder, `simulated PostgreSQL ${version} was restored`)
    },
    async seal() {},
    async configure() {},
    async start(folder, { version, port }: InstanceSpec) {
      const found = folderOf(folder)
      requireVersion(version)
      assert(!found.process, 'a folder has one engine at most')
      found.log.push(`simulated PostgreSQL ${version} is ready on port ${port}`)
      found.process = runIn(found)
      return found.process
    },
    adopt: async (folder) => folders.get(folder)?.process,
    probe: async (folder) => folders.get(folder)?.process !== undefined,
    async stop(engine, mode) {
      ;(engine as SimulatedProcess).end(mode)
    },
    async bootstrap() {},
    async setPassword() {},
    reload: async () => [],
    pendingRestart: async () => [],
    async snapshot(folder, { version }, snapshotFolder) {
      folderOf(folder)
      make(snapshotFolder, 'a snapshot')
      return { sizeBytes: 0, engineVersion: version }
    },
    async logs(folder) {
      return [{ name: LOG_NAME, sizeBytes: Buffer.byteLength(textOf(folderOf(folder))), writtenAt: 0 }]
    },
    readLog: async (folder, name, offset, bytesMax) =>
      name === LOG_NAME ? portion(textOf(folderOf(folder)), offset, bytesMax) : undefined,
  }
}

function portion(
  log: string,
  offset: number,
  bytesMax: number,
): { text: string; nextOffset: number; sizeBytes: number } {
  const bytes = Buffer.from(log)
  const part = bytes.subarray(offset, offset + bytesMax)
  return { text: part.toString(), nextOffset: offset + part.length, sizeBytes: bytes.length }
}

const textOf = ({ log }: SimulatedFolder): string => log.map((line) => `${line}\n`).join('')
