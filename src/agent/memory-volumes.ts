import type { SnapshotFacts } from '#wire/agent/messages.ts'
import type { Volumes } from './volumes.ts'

/** For engines without processes: nothing is stored but which snapshots exist. One for all hosts of a simulation. */
export function memoryVolumes(): Volumes {
  const snapshots = new Map<string, SnapshotFacts>()
  return {
    instanceFolder: (id) => `memory:instances/${id}`,
    snapshotFolder: (snapshotId) => `memory:snapshots/${snapshotId}`,
    removeInstance: async () => {},
    snapshot: async (snapshotId) => snapshots.get(snapshotId),
    recordSnapshot: async (snapshotId, facts) => void snapshots.set(snapshotId, facts),
    removeSnapshot: async (snapshotId) => void snapshots.delete(snapshotId),
    copySnapshot: async () => {},
    reflink: async () => true,
  }
}
