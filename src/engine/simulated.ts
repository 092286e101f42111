/**
 * The driver without processes: every operation succeeds at once, on folders that exist only in this object. For
 * infrastructure-as-code tests and for tests of scale. What it can find wrong, it does: an unknown version, an absent
 * instance, an absent snapshot.
 */
import { assert } from '#base/assert.ts'
import type { InstanceSpec, StopMode } from '#wire/agent/messages.ts'
import type { LogPosition, ObservedReplication } from '#wire/agent/replication.ts'
import { EngineError, type EngineDriver, type EngineProcess } from './engine.ts'
import type { VolumeEngine } from './volume-engine.ts'

interface SimulatedFolder {
  readonly log: string[]
  process: SimulatedProcess | undefined
  timeline: number
  /** The timeline before it. */
  after: number
  /** Of what is on a volume: the volume's. */
  systemId?: string
}

interface SimulatedProcess extends EngineProcess {
  readonly port: number
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
    folders.set(folder, { log: [line], process: undefined, timeline: 1, after: 0 })
  }
  const requireVersion = (version: string): void => {
    if (!known.has(version)) throw new EngineError('engine-unavailable', `PostgreSQL ${version} is not known`)
  }
  return {
    ...WITHOUT_EFFECT,
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
    async start(folder, { version, port }: InstanceSpec) {
      const found = folderOf(folder)
      requireVersion(version)
      assert(!found.process, 'a folder has one engine at most')
      found.log.push(`simulated PostgreSQL ${version} is ready on port ${port}`)
      found.process = processIn(found, { pid: ++lastPid, port })
      return found.process
    },
    adopt: async (folder) => folders.get(folder)?.process,
    probe: async (folder) => folders.get(folder)?.process !== undefined,
    async stop(engine, mode) {
      ;(engine as SimulatedProcess).end(mode)
    },
    async kill(engine) {
      ;(engine as SimulatedProcess).end('immediate')
    },
    ...simulatedReplication(folders, { folderOf, make }),
    onVolume: simulatedVolumes(folders, { folderOf, make, requireVersion }),
    reload: async () => [],
    pendingRestart: async () => [],
    async snapshot(folder, { version }, snapshotFolder) {
      folderOf(folder)
      make(snapshotFolder, 'a snapshot')
      return { sizeBytes: 0, engineVersion: version }
    },
    async recover(folder, { version }) {
      make(folder, `simulated PostgreSQL ${version} was recovered`)
    },
    async endRecovery() {},
    async openLog() {
      throw new EngineError('failed', 'a simulated engine writes no log')
    },
    async logs(folder) {
      return [{ name: LOG_NAME, sizeBytes: Buffer.byteLength(textOf(folderOf(folder))), writtenAt: 0 }]
    },
    readLog: async (folder, name, offset, bytesMax) =>
      name === LOG_NAME ? portion(textOf(folderOf(folder)), offset, bytesMax) : undefined,
  }
}

function processIn(found: SimulatedFolder, facts: { pid: number; port: number }): SimulatedProcess {
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = (mode: StopMode): void => {
    found.process = undefined
    found.log.push(`simulated PostgreSQL was stopped (${mode})`)
    resolve()
  }
  return { ...facts, exited: promise, end }
}

type ReplicationVerbs = Pick<
  EngineDriver,
  | 'follow'
  | 'promote'
  | 'admitFollowers'
  | 'awaitSynchronous'
  | 'awaitSealed'
  | 'logWanted'
  | 'giveLog'
  | 'replication'
  | 'position'
  | 'answers'
>

function simulatedReplication(
  folders: Map<string, SimulatedFolder>,
  { folderOf, make }: { folderOf(folder: string): SimulatedFolder; make(folder: string, line: string): void },
): ReplicationVerbs {
  return {
    async follow(folder, { version }, seedFolder) {
      folderOf(seedFolder)
      folders.delete(seedFolder)
      make(folder, `simulated PostgreSQL ${version} follows`)
    },
    promote: async (folder) => ++folderOf(folder).timeline,
    async admitFollowers() {},
    async awaitSynchronous() {},
    awaitSealed: async (folder, spec) => positionOf(folderOf(folder), spec),
    logWanted: async (folder) => ({ timeline: folderOf(folder).timeline, lsn: 0n, isIdle: true, receiverPid: 1 }),
    async giveLog() {},
    replication: async (folder, spec) => observedOf(folders.get(folder), spec),
    position: async (folder, spec) => positionOf(folderOf(folder), spec),
    answers: async ({ port }) => [...folders.values()].some(({ process }) => process?.port === port),
  }
}

/** A log without bytes: every epoch begins where the one before did. */
function simulatedVolumes(
  folders: Map<string, SimulatedFolder>,
  {
    folderOf,
    make,
    requireVersion,
  }: {
    folderOf(folder: string): SimulatedFolder
    make(folder: string, line: string): void
    requireVersion(version: string): void
  },
): VolumeEngine {
  let lastIdentity = 0
  return {
    async seed(imageFolder, { version, fill }) {
      requireVersion(version)
      await fill?.(imageFolder)
      make(imageFolder, 'a seed image')
      const systemId = String(++lastIdentity)
      folderOf(imageFolder).systemId = systemId
      return { sizeBytes: 0, engineVersion: version, seed: { systemId, epoch: 1, start: 0, end: 0 } }
    },
    async image(imageFolder, { version, from, until }) {
      const { timeline, systemId = '' } = folderOf(from)
      make(imageFolder, `an image of ${until}`)
      Object.assign(folderOf(imageFolder), { timeline, systemId })
      return { sizeBytes: 0, engineVersion: version, image: { systemId, epoch: timeline, from: until } }
    },
    async branch(folder, { from }) {
      folderOf(from)
      make(folder, 'a database of its own')
    },
    checkpoint: async () => 0,
    async attach(folder, { version }, imageFolder) {
      const { timeline, systemId = '' } = folderOf(imageFolder)
      make(folder, `simulated PostgreSQL ${version} was attached to its volume`)
      Object.assign(folderOf(folder), { timeline, systemId })
    },
    belongs: async (folder, { systemId }) => systemId === undefined || folders.get(folder)?.systemId === systemId,
    async endSessions() {},
    async awaitLog() {},
    async lead(folder, epoch) {
      const found = folderOf(folder)
      if (found.timeline !== epoch) found.after = found.timeline
      found.timeline = epoch
      return { start: 0, after: found.after }
    },
    async observe(folder, { volume }) {
      const found = folders.get(folder)
      if (!found?.process || !volume) return undefined
      const isWriter = volume.role === 'writer'
      return {
        isWriter,
        epoch: found.timeline,
        isStreaming: !isWriter,
        ...(isWriter && { started: { start: 0, after: found.after } }),
      }
    },
    headLogin: async () => ({ socketFolder: '', port: 0, user: '', password: '', name: '' }),
    async openLog() {
      throw new EngineError('failed', 'the volume of simulated engines has no log')
    },
    async tellReplicas() {},
  }
}

const positionOf = ({ timeline }: SimulatedFolder, { replication }: InstanceSpec): LogPosition => ({
  role: replication?.role ?? 'primary',
  timeline,
  flushedLsn: '0/0',
  replayedLsn: '0/0',
  lagSeconds: replication?.role === 'standby' ? 0 : undefined,
})

/** All followers are there and up to date, as everything is in a simulation. */
function observedOf(
  found: SimulatedFolder | undefined,
  { replication }: InstanceSpec,
): ObservedReplication | undefined {
  if (!found?.process || !replication) return undefined
  if (replication.role === 'standby') return { role: 'standby', isStreaming: true, sourceAnswers: true }
  const followers = replication.followers.map((name) => ({
    name,
    state: 'streaming',
    isSynchronous: replication.synchronous.includes(name),
  }))
  return { role: 'primary', timeline: found.timeline, followers }
}

/** What has nothing to work on: no disk, no users, no process to measure. */
const WITHOUT_EFFECT = {
  async seal() {},
  async configure() {},
  async bootstrap() {},
  async setPassword() {},
  isReadOnly: async () => false,
  async setReadOnly() {},
  endWriters: async () => 0,
  async reclaimLog() {},
  isDecodable: () => false,
  async tendConsumers() {},
  // What it has none of is a fact, too: nobody is ever connected.
  measure: async () => ({ connections: 0 }),
} satisfies Partial<EngineDriver>

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
