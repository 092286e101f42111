/** Where the data of instances and snapshots lies on this host. disk-volumes.ts: on disk; memory-volumes.ts: none. */
import type { Account } from '#host/account.ts'
import type { HostContents, SnapshotFacts } from '#wire/agent/messages.ts'

export interface Volumes {
  /** Whom what lies in instances' folders belongs to; undefined: whoever runs this process. */
  readonly account: Account | undefined
  /** The folder that an engine driver fills. The path alone: it may be absent. */
  instanceFolder(id: string): string
  /** The folder that an engine driver fills with a snapshot. */
  snapshotFolder(snapshotId: string): string
  removeInstance(id: string): Promise<void>

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
