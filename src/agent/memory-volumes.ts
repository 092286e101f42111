import type { SnapshotFacts } from '#wire/agent/messages.ts'
import type { Volumes } from './volumes.ts'

/** The same snapshots, as the hosts of one machine share them, and a place of its own for instances. */
export const volumesOf = (az: string, shared: Volumes): Volumes => ({
  ...shared,
  instanceFolder: (id) => `memory:${az}/instances/${id}`,
})

/** For engines without processes: nothing is stored but which snapshots exist. One for all hosts of a simulation. */
export function memoryVolumes(): Volumes {
  const snapshots = new Map<string, SnapshotFacts>()
  /** A copy has the same content as what it was copied from, so both have one folder: the driver never sees a copy. */
  const originals = new Map<string, string>()
  return {
    account: undefined,
    instanceFolder: (id) => `memory:instances/${id}`,
    snapshotFolder: (snapshotId) => `memory:snapshots/${originals.get(snapshotId) ?? snapshotId}`,
    removeInstance: async () => {},
    makeInstance: async () => {},
    attachInstance: async () => {},
    growInstance: async () => {},
    dropBallast: async () => false,
    detachInstance: async () => {},
    roomOf: async () => undefined,
    contents: async () => ({ instances: [], snapshots: [...snapshots.keys()] }),
    snapshot: async (snapshotId) => snapshots.get(snapshotId),
    recordSnapshot: async (snapshotId, facts) => void snapshots.set(snapshotId, facts),
    async removeSnapshot(snapshotId) {
      snapshots.delete(snapshotId)
      originals.delete(snapshotId)
    },
    async copySnapshot(snapshotId, targetId) {
      originals.set(targetId, originals.get(snapshotId) ?? snapshotId)
    },
    reflink: async () => true,
  }
}
