/** Which whole segments of an archived log come next for a standby, and what each is made of. Pure. */
import { SEGMENT_BYTES, lsnText, segmentStart } from '#wire/pg/lsn.ts'
import { chainFrom, type Link, type LogIndex, type Position } from './log-chain.ts'

export interface WholeSegment {
  /** Of the file: where a timeline begins in the middle of the segment, the later one, which has its parent's part too. */
  readonly timeline: number
  readonly start: bigint
  /** In order, from its first byte to its last. */
  readonly links: readonly Link[]
}

export interface WholeSegments {
  readonly segments: readonly WholeSegment[]
  /** What is missing behind them, in words; undefined at the end of the log. */
  readonly missing: string | undefined
}

/**
 * From the segment that has the position, on the timelines that lead to the newest. A segment that the log ends in is not
 * whole: whoever writes the log has it still.
 */
export function wholeSegmentsFrom(index: LogIndex, { timeline, lsn }: Position): WholeSegments {
  // What lies beyond that point belongs to nobody, so neither does a standby that has applied it.
  if (isBeyond(index, { timeline, lsn }))
    return { segments: [], missing: `what follows ${lsnText(lsn)} on timeline ${timeline}, which ends before` }
  const start = segmentStart(lsn)
  const { links, missing } = chainFrom(index, { timeline: ownerOf(index, timeline, start), lsn: start })
  const byStart = Map.groupBy(links, (link) => segmentStart(link.lsn))
  const segments = [...byStart]
    .map(([at, parts]) => ({ timeline: parts.at(-1)!.timeline, start: at, links: parts }))
    .filter((segment) => segment.links.at(-1)!.to === segment.start + BigInt(SEGMENT_BYTES))
  return { segments, missing }
}

/** Whether later timelines had left this one before. */
export function isBeyond({ histories }: LogIndex, { timeline, lsn }: Position): boolean {
  const newest = Math.max(0, ...histories.keys())
  const leftAt = histories.get(newest)?.find((ancestor) => ancestor.timeline === timeline)?.endsAt
  return leftAt !== undefined && leftAt < lsn
}

/** Of the timeline and its ancestors, the one on which the byte at the position was written. */
function ownerOf({ histories }: LogIndex, timeline: number, lsn: bigint): number {
  return (histories.get(timeline) ?? []).find(({ endsAt }) => lsn < endsAt)?.timeline ?? timeline
}
