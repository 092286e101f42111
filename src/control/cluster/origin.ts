/** What a restored cluster is made of. */
export type ClusterOrigin = { readonly archive: ClusterArchive } | { readonly snapshot: ClusterSnapshotData }

/** The same of one of Aurora, which may begin with what another one's volume has. Which one that is, is in its own volume's row. */
export type AuroraOrigin = ClusterOrigin | { readonly clone: { readonly sourceName: string } }

interface ClusterSnapshotData {
  /** The copy on disk. */
  readonly id: string
  /** For the event. */
  readonly name: string
}

interface ClusterArchive {
  readonly prefix: string
  /** Milliseconds since the epoch; undefined: as late as possible. */
  readonly time: number | undefined
  /** For the event: what the cluster is called that it comes from. */
  readonly sourceName: string
}

/** For the event. */
export function originText(origin: AuroraOrigin): string {
  if ('clone' in origin) return `Cloned from DB cluster ${origin.clone.sourceName}`
  if ('snapshot' in origin) return `Restored from snapshot ${origin.snapshot.name}`
  const { time, sourceName } = origin.archive
  return `Restored from DB cluster ${sourceName} to ${time === undefined ? 'the latest time' : new Date(time).toISOString()}`
}
