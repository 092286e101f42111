/** Where the data of instances and snapshots lies on this host. disk-volumes.ts: on disk; memory-volumes.ts: none. */
import type { Account } from '#host/account.ts'
import type { HostContents } from '#wire/agent/host-facts.ts'
import type { SnapshotFacts } from '#wire/agent/messages.ts'

/** What can still be written. */
export interface VolumeRoom {
  /** To the instance's volume. */
  readonly freeBytes: number
  /** To the disk of the host on which the volume takes its place as it is filled. */
  readonly hostFreeBytes: number
}

export interface Volumes {
  /** Whom what lies in instances' folders belongs to; undefined: whoever runs this process. */
  readonly account: Account | undefined
  /** The folder that an engine driver fills. The path alone: it may be absent. */
  instanceFolder(id: string): string
  /** The folder that an engine driver fills with a snapshot. */
  snapshotFolder(snapshotId: string): string
  removeInstance(id: string): Promise<void>

  /** Makes a volume of this size for an instance that has none; nothing where storage is accounted. Its folder is empty then. */
  makeInstance(id: string, sizeBytes: number): Promise<void>
  /** The instance's folder shows what it holds when this resolves. May run twice, and while an engine runs there. */
  attachInstance(id: string): Promise<void>
  /** The same, and a volume of its own has at least this size, with some of it set aside where it is not full. */
  growInstance(id: string, sizeBytes: number): Promise<void>
  /** What was set aside of a volume is free, for an engine that cannot come up without. False: there was none. */
  dropBallast(id: string): Promise<boolean>
  /** Takes down what {@link Volumes.attachInstance} put up. No engine runs there. */
  detachInstance(id: string): Promise<void>
  /** Undefined: the instance has no volume of its own, and what it may use is accounted. */
  roomOf(id: string): Promise<VolumeRoom | undefined>

  /** Ids of everything that has a folder here. */
  contents(): Promise<HostContents>

  /** Facts of a complete snapshot; undefined for one that is absent or half-made. */
  snapshot(snapshotId: string): Promise<SnapshotFacts | undefined>
  /** Declares the snapshot complete. Its folder is durable already; so is this when it resolves. */
  recordSnapshot(snapshotId: string, facts: SnapshotFacts): Promise<void>
  /** Absent, half-made or complete: gone when this resolves. */
  removeSnapshot(snapshotId: string): Promise<void>
  /** Fills the target's folder, absent before. Durable when this resolves, and not complete until it is recorded. */
  copySnapshot(snapshotId: string, targetId: string, signal: AbortSignal): Promise<void>

  /** Whether copies share blocks. */
  reflink(): Promise<boolean>
}

/** The same, as one instance sees it. */
export interface InstanceVolume {
  attach(): Promise<void>
  grow(sizeBytes: number): Promise<void>
  dropBallast(): Promise<boolean>
  room(): Promise<VolumeRoom | undefined>
}

export const volumeOf = (volumes: Volumes, id: string): InstanceVolume => ({
  attach: () => volumes.attachInstance(id),
  grow: (sizeBytes) => volumes.growInstance(id, sizeBytes),
  dropBallast: () => volumes.dropBallast(id),
  room: () => volumes.roomOf(id),
})
