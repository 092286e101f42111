/**
 * The engine port: how one kind of database is made, run, probed, copied and stopped on this host.
 * `postgres/` is the real driver, `simulated/` has no processes. The agent's supervisor owns the processes and decides
 * when; a driver knows how. A driver keeps no state of its own about an instance: everything is in the instance's folder.
 */
import type { LogPosition, ObservedReplication } from '#wire/agent/replication.ts'
import type { LogSource } from './log-source.ts'
import type { LogSegment, LogWanted, Recovery, TimelineHistory } from './recovery.ts'
import type { VolumeEngine } from './volume-engine.ts'
import type { EngineName, InstanceSpec, LogFile, MasterUser, SnapshotFacts, StopMode } from '#wire/agent/messages.ts'

/** As much of a spec as the files of a data volume depend on. */
type Versioned = Pick<InstanceSpec, 'version'>

export interface EngineDriver {
  readonly name: EngineName
  /** For instances on cluster volumes. */
  readonly onVolume: VolumeEngine

  /** Exact versions whose binaries are here. */
  installed(): Promise<string[]>
  /**
   * Binaries and template of this version, made if missing (concurrent calls share the work). `onProgress` gets short
   * texts a person can read. Throws {@link EngineError} `engine-unavailable`.
   */
  prepare(version: string, onProgress: (text: string) => void): Promise<{ fetched: boolean }>

  /**
   * Fills an absent or half-made folder with a fresh data volume. Durable on disk when {@link EngineDriver.seal}
   * resolves. Not started yet.
   */
  initialize(folder: string, spec: InstanceSpec, signal: AbortSignal): Promise<void>
  /** The same from a snapshot's folder. */
  restore(folder: string, spec: Versioned, snapshotFolder: string, signal: AbortSignal): Promise<void>
  /**
   * The folder has the files of a base backup: gives it the log that it needs, so that its next start makes of it what
   * the database was, a cluster of its own. {@link EngineDriver.endRecovery} once that start is done.
   */
  recover(folder: string, spec: Versioned, recovery: Recovery, signal: AbortSignal): Promise<void>
  endRecovery(folder: string): Promise<void>
  /** Makes what `initialize`, `restore` or `recover` wrote survive a power failure. May overlap with starting. */
  seal(folder: string): Promise<void>

  /** Writes configuration and TLS files for this spec. The running engine, if any, is not told. */
  configure(folder: string, spec: InstanceSpec): Promise<void>
  /**
   * Starts the engine process detached: it outlives the agent. Resolves once it accepts connections.
   * Throws {@link EngineError} (`bad-settings`, `port-busy`, `disk-full`, `diverged`, `failed`) when it ends instead.
   */
  start(folder: string, spec: InstanceSpec, signal: AbortSignal): Promise<EngineProcess>
  /** The process that runs on this folder already, found by pid, its start time and its lock file together. */
  adopt(folder: string, spec: InstanceSpec): Promise<EngineProcess | undefined>
  /** True when a client could connect now. Never throws. */
  probe(folder: string, spec: InstanceSpec): Promise<boolean>
  /** Whether an engine of this kind answers at that address, on whichever host. Never throws; silence takes seconds. */
  answers(address: { readonly host: string; readonly port: number }): Promise<boolean>
  /** Asks the engine to stop and resolves when the process is gone. Escalates to the next harder mode after `patienceMs`. */
  stop(engine: EngineProcess, mode: StopMode, patienceMs: number): Promise<void>
  /** Ends the process at once, whatever it does or fails to do. Resolves when it is gone. */
  kill(engine: EngineProcess): Promise<void>

  /** Fills an absent or half-made folder with a standby of the instance whose snapshot this is. The snapshot is used up. */
  follow(folder: string, spec: InstanceSpec, seedFolder: string, signal: AbortSignal): Promise<void>
  /** Turns the running standby into a primary that is configured already; resolves with its new timeline. */
  promote(folder: string, spec: InstanceSpec, signal: AbortSignal): Promise<number>
  /** Lets the running engine's followers in, and keeps for each of them, and for nobody else, the log that it needs. */
  admitFollowers(folder: string, spec: InstanceSpec): Promise<void>
  /**
   * Resolves when commits wait for a standby, and one has everything that was acknowledged before they did. The engine
   * runs and has read its configuration.
   */
  awaitSynchronous(folder: string, spec: InstanceSpec, signal: AbortSignal): Promise<void>
  /**
   * Resolves when the running standby, which has read a configuration with a source that is not there, receives nothing
   * any more, with where its log ends: that stays so until it has another source.
   */
  awaitSealed(folder: string, spec: InstanceSpec, signal: AbortSignal): Promise<LogPosition>
  /** How far the running standby is, and whether it could go on. `isExact`: its timeline is looked up at any cost. */
  logWanted(folder: string, isExact: boolean): Promise<LogWanted>
  /**
   * Lays a whole segment of the log where the running standby finds it before it asks its source, and before that the
   * histories, which decide whether the segment's timeline is one that it may go to. May be given again.
   */
  giveLog(folder: string, segment: LogSegment, histories: readonly TimelineHistory[]): Promise<void>
  /** Whether clients may read the log of an engine with this spec as consumers of logical slots. */
  isDecodable(spec: InstanceSpec): boolean
  /**
   * Lets those in as consumers of logical slots who may be, by what the engine's roles are now, and nobody else. What it
   * permits beyond that and is misused is ended. The engine runs.
   */
  tendConsumers(folder: string, spec: InstanceSpec): Promise<void>
  /** Undefined when it cannot be seen now. Never throws. */
  replication(folder: string, spec: InstanceSpec): Promise<ObservedReplication | undefined>
  position(folder: string, spec: InstanceSpec): Promise<LogPosition>

  /** Creates the master user and the first database, if they are not there yet. The engine runs. */
  bootstrap(folder: string, spec: InstanceSpec, master: MasterUser, databaseName: string | undefined): Promise<void>
  setPassword(folder: string, spec: InstanceSpec, master: MasterUser): Promise<void>
  /** Makes the running engine read its configuration again; returns the settings that still wait for a restart. */
  reload(folder: string, spec: InstanceSpec): Promise<readonly string[]>
  /** The same question without reloading. */
  pendingRestart(folder: string, spec: InstanceSpec): Promise<readonly string[]>

  /**
   * Consistent copy of the folder into `snapshotFolder` (absent before; complete and durable when this resolves).
   * `running` says whether the engine serves meanwhile.
   */
  snapshot(
    folder: string,
    spec: InstanceSpec,
    snapshotFolder: string,
    running: boolean,
    signal: AbortSignal,
  ): Promise<SnapshotFacts>

  /** Whether {@link EngineDriver.setReadOnly} said so last. */
  isReadOnly(folder: string): Promise<boolean>
  /**
   * Makes transactions read-only unless they ask to write, or takes that back; over restarts, and until it is said again.
   * With little log, the engine keeps no log in stock: that frees storage, and needs some when the stock is used up.
   */
  setReadOnly(folder: string, readOnly: 'no' | 'yes' | 'with little log'): Promise<void>
  /** Ends sessions of clients that have written in their transaction or use temporary space: how many. */
  endWriters(folder: string): Promise<number>
  /** Makes the running engine give back log that nobody needs. It has to be read-only with little log. */
  reclaimLog(folder: string): Promise<void>

  /**
   * Looks at the engine and its volume: facts of this moment, without those that cannot be had. Never throws. `running`:
   * somebody sees an engine run on the folder.
   */
  measure(folder: string, spec: InstanceSpec, running: boolean): Promise<EngineFacts>
  /** Reads the running engine's write-ahead log. The caller closes it. */
  openLog(folder: string): Promise<LogSource>

  logs(folder: string): Promise<LogFile[]>
  readLog(
    folder: string,
    name: string,
    offset: number,
    bytesMax: number,
  ): Promise<{ text: string; nextOffset: number; sizeBytes: number } | undefined>
}

/** What a look at an engine found. The first group only ever grows while the engine runs; a restart begins it anew. */
export interface EngineFacts {
  /** Processor time of all its processes, those that have ended included. */
  readonly cpuMs?: number | undefined
  /** Bytes that its processes made the storage deliver and take. */
  readonly readBytes?: number | undefined
  readonly writtenBytes?: number | undefined
  /** Operations on its files that it asked the system for. What the system's cache answers is one too. */
  readonly reads?: number | undefined
  readonly writes?: number | undefined
  /** Bytes of log that were ever written. */
  readonly logGeneratedBytes?: number | undefined

  /** Memory that its processes hold and nobody could take from them without swapping. */
  readonly memoryBytes?: number | undefined
  /** Of it, what all processes have in common. */
  readonly sharedMemoryBytes?: number | undefined
  readonly swapBytes?: number | undefined
  /** Data and log on the volume. */
  readonly storageBytes?: number | undefined
  /** What others may still write on the disk that the volume lies on. */
  readonly hostFreeBytes?: number | undefined
  /** The log's part of it. */
  readonly logBytes?: number | undefined
  /** Files that slots have beside the log that they keep: their states, and transactions too large to decode in memory. */
  readonly slotBytes?: number | undefined
  /** Connections of clients. */
  readonly connections?: number | undefined
  /** How far a standby is behind. -1: nothing comes in. Undefined: it is no standby. */
  readonly replicaLagSeconds?: number | undefined
  readonly slotLagBytes?: number | undefined
  readonly transactionIds?: number | undefined
  readonly checkpointAgeSeconds?: number | undefined
}

/** A running engine that this agent started or adopted. */
export interface EngineProcess {
  readonly pid: number
  /** Resolves when the process is gone, however it went. For an adopted one it is found by watching, within a second. */
  readonly exited: Promise<void>
}

/** A failure that a flow decides on; everything else a driver throws counts as `failed`. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: 'bad-settings' | 'port-busy' | 'disk-full' | 'engine-unavailable' | 'diverged' | 'failed'

  constructor(code: EngineError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
