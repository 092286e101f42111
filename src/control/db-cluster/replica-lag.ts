/**
 * By how much a reader's view is behind its writer, by what both say of their logs. Pure.
 *
 * The age of the last commit that a reader has seen says nothing while the writer is idle, and too much in the moment in
 * which it no longer is. So it is noted when the writer's log was seen to end where: a reader is behind by the age of
 * the oldest of these that it has not reached. Never more than the truth, and less by at most the time between two looks.
 */
interface Mark {
  readonly at: number
  readonly lsn: bigint
}

/** Of more, every second is forgotten: of a lag that is that long nobody needs to know the second. */
export const MARKS_MAX = 4096

export class LagTrace {
  /** Oldest first; both grow. */
  private marks: Mark[] = []

  /** The writer's log was seen to end here. */
  note(at: number, lsn: bigint): void {
    const last = this.marks.at(-1)
    if (last && lsn === last.lsn) return
    if (last && lsn < last.lsn) this.marks = []
    this.marks.push({ at, lsn })
    if (this.marks.length > MARKS_MAX) this.marks = this.marks.filter((_, i) => i % 2 === 0)
  }

  /** Milliseconds, of a reader that shows what is before this position. */
  lagMs(at: number, replayed: bigint): number {
    const missing = this.marks.find(({ lsn }) => lsn > replayed)
    return missing ? Math.max(at - missing.at, 0) : 0
  }

  /** Every reader shows what is before this position. The last mark stays: it tells when the log has grown. */
  forget(replayed: bigint): void {
    const from = this.marks.findIndex(({ lsn }) => lsn > replayed)
    this.marks = this.marks.slice(from === -1 ? -1 : from)
  }
}
