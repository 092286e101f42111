/**
 * What a driver does for instances on cluster volumes: the engines of one cluster all live by one log, which lies with log
 * nodes. Part of the engine port (engine.ts).
 */
import type { InstanceSpec, MasterUser, SnapshotFacts } from '#wire/agent/messages.ts'
import type { EpochStarted, ObservedVolume, ToldOfCluster, VolumeAttachment } from '#wire/agent/volume.ts'
import type { HeadWriter } from '#wire/head/messages.ts'
import type { Epoch, Position } from '#wire/quorum/messages.ts'
import { EngineError } from './engine.ts'
import type { LogSource } from './log-source.ts'

/** What a new volume is to have in it. */
export interface SeedOrder {
  readonly version: string
  readonly master: MasterUser
  /** Of a new database; one that was filled keeps those that it has. */
  readonly databaseName: string | undefined
  /**
   * Makes of a folder, absent before, a database of its own that has not been started yet, by `restore`, `recover` or
   * `branch` of this driver. Absent: the volume begins with an empty one.
   */
  readonly fill?: (folder: string) => Promise<void>
}

/** How the log of a volume is reached. */
export type VolumeLog = Pick<VolumeAttachment, 'id' | 'feeds' | 'login'>

export interface VolumeEngine {
  /** Fills `imageFolder`, absent before, with what a new volume begins with. Durable when this resolves. */
  seed(imageFolder: string, order: SeedOrder, signal: AbortSignal): Promise<SnapshotFacts>
  /**
   * Fills `imageFolder`, absent before, with a later image of the volume, and leaves the one that it is made of as it is.
   * Durable when this resolves, which it does not as long as the log does not reach so far. Throws where the log that it
   * needs is not there any more.
   */
  image(imageFolder: string, order: ImageOrder, signal: AbortSignal): Promise<SnapshotFacts>
  /**
   * Fills `folder`, absent before, with what the volume has up to the checkpoint at `until`, as a database of its own that has
   * not been started yet; log behind may come along, as far as it is durable. Not durable when this resolves. Throws where
   * there is no such checkpoint any more.
   */
  branch(folder: string, order: ImageOrder, signal: AbortSignal): Promise<void>
  /**
   * Makes the running writer write what a later image is made at, unless it has written one already by which such an image
   * needs nothing before `since`: gives the position of that record.
   */
  checkpoint(folder: string, since: Position): Promise<Position>
  /** Fills an absent or half-made folder with a copy of an image of the volume, which stays. Not started yet. */
  attach(folder: string, spec: InstanceSpec, imageFolder: string, signal: AbortSignal): Promise<void>
  /** Whether what is in the folder is of this volume, and not of one that the cluster had before. Nothing need run in it. */
  belongs(folder: string, volume: VolumeAttachment): Promise<boolean>
  /** Ends all sessions of clients. The running engine has read a configuration that lets in no others. */
  endSessions(folder: string): Promise<void>
  /**
   * Resolves when the running reader has everything up to `end` on its disk. Throws {@link VolumeDiverged} when it has
   * applied what the log does not have.
   */
  awaitLog(folder: string, end: Position, signal: AbortSignal): Promise<void>
  /**
   * Turns the running reader into the writer of the epoch, behind the last whole record that it has; one that is it
   * already stays it. It takes writes when this resolves.
   */
  lead(folder: string, epoch: Epoch, signal: AbortSignal): Promise<EpochStarted>
  /** Undefined when it cannot be seen now. Never throws. */
  observe(folder: string, spec: InstanceSpec): Promise<ObservedVolume | undefined>
  /** How a head comes to the log of the engine, once that runs. */
  headLogin(folder: string, spec: InstanceSpec): Promise<HeadWriter>
  /** The log of a volume, as its log nodes show it: nothing in it is ever taken back. The caller closes it. */
  openLog(log: VolumeLog): Promise<LogSource>
  /** What clients that ask the engine are told of the cluster's instances, in the place of what they were. It need not run. */
  tellReplicas(folder: string, told: ToldOfCluster): Promise<void>
}

export interface ImageOrder {
  readonly version: string
  /** Folder of an earlier image. */
  readonly from: string
  /** How the log is reached. */
  readonly volume: VolumeAttachment
  /** Of a record of the log, the last one that is applied; of where there is none, the next one behind it. */
  readonly until: Position
}

/** What is in the folder is no past state of the volume's log, and cannot become one: it has to be made anew. */
export class VolumeDiverged extends EngineError {
  constructor(message: string) {
    super('diverged', message)
  }
}
