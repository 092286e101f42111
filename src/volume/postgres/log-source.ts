/** A member's log as the feed reads it: bytes, positions and epochs. An epoch is the timeline of the same number. */
import type { Epoch, History, Position } from '#wire/quorum/messages.ts'

export interface LogSource {
  /** PostgreSQL's system identifier, which a reader has in common with the log. Decimal. */
  readonly systemId: string
  history(): History
  /** The oldest byte that is kept. */
  first(): Position
  /** Up to where this reader may have the log. Falls when a release is over. */
  shown(reader: string): Position
  /**
   * Bytes of one epoch from `position` on, at most so many and at least one, where the log has more. The caller does not
   * change them, and keeps them no longer than its turn. Throws where they cannot be read back as they were written.
   */
  read(position: Position, bytesMax: number): { readonly epoch: Epoch; readonly bytes: Buffer }
  /** Calls whenever any of the above may be another, once a turn or often. Gives how to stop that. */
  watch(changed: () => void): () => void
}
