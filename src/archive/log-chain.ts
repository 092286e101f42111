/**
 * Which portions of an archived log, one after the other, lead from a position to another. Pure.
 *
 * A failover begins a timeline; its history says where it left the earlier ones, and what these have beyond that point
 * belongs to nobody. Portions may overlap: small ones are joined to segments, and the small ones go afterwards.
 */
import { lsnText } from '#wire/pg/lsn.ts'
import type { Ancestor } from '#wire/pg/timeline-history.ts'
import type { LogPortion } from './log-keys.ts'

export interface LogIndex {
  readonly portions: readonly LogPortion[]
  /** The ancestors of every timeline but the first. */
  readonly histories: ReadonlyMap<number, readonly Ancestor[]>
}

export interface Position {
  readonly timeline: number
  readonly lsn: bigint
}

export interface Link extends Position {
  readonly portion: LogPortion
  /** What is used of the portion: from `lsn` to here. */
  readonly to: bigint
}

export interface Chain {
  /** In order, without a gap. */
  readonly links: readonly Link[]
  /** The end of the last one, or where the chain was to begin. */
  readonly end: Position
  /** What is missing behind the end, in words; undefined at the end of the log. */
  readonly missing: string | undefined
}

/** The timeline that the log went on on last. */
function newestTimeline({ portions, histories }: LogIndex): number {
  return Math.max(1, ...histories.keys(), ...portions.map(({ timeline }) => timeline))
}

/** From `start` to the end of the newest timeline, or up to the first gap, or as far as `enough` says. */
export function chainFrom(
  index: LogIndex,
  start: Position,
  enough: (portion: LogPortion) => boolean = () => false,
): Chain {
  const newest = newestTimeline(index)
  const route = routeTo(index, newest)
  const starts = furthestByStart(index.portions)
  const links: Link[] = []
  let at = start
  if (!route.some(({ timeline }) => timeline === start.timeline))
    return { links, end: at, missing: `the history that leads from timeline ${start.timeline} to ${newest}` }
  for (;;) {
    const leavesAt = route.find(({ timeline }) => timeline === at.timeline)?.endsAt
    if (leavesAt !== undefined && at.lsn >= leavesAt) {
      const next = route[route.findIndex(({ timeline }) => timeline === at.timeline) + 1]!
      at = { timeline: next.timeline, lsn: at.lsn }
      continue
    }
    const found = starts.get(placeOf(at.timeline, at.lsn)) ?? furthestOver(index.portions, at)
    if (!found) return { links, end: at, missing: missingAt(index, at, leavesAt) }
    const to = leavesAt !== undefined && found.end > leavesAt ? leavesAt : found.end
    links.push({ ...at, portion: found, to })
    at = { timeline: at.timeline, lsn: to }
    if (enough(found)) return { links, end: at, missing: undefined }
  }
}

/** The timelines up to this one in order; `endsAt` is undefined for the last. */
function routeTo({ histories }: LogIndex, timeline: number): { timeline: number; endsAt: bigint | undefined }[] {
  return [...(histories.get(timeline) ?? []), { timeline, endsAt: undefined }]
}

const placeOf = (timeline: number, lsn: bigint): string => `${timeline}/${lsn}`

/** Nearly always a portion begins where the one before it ends: an archive of a month has a hundred thousand. */
function furthestByStart(portions: readonly LogPortion[]): ReadonlyMap<string, LogPortion> {
  const found = new Map<string, LogPortion>()
  for (const portion of portions) {
    const place = placeOf(portion.timeline, portion.start)
    const known = found.get(place)
    if (!known || portion.end > known.end) found.set(place, portion)
  }
  return found
}

/** The portion that has the byte at the position and reaches furthest. */
function furthestOver(portions: readonly LogPortion[], { timeline, lsn }: Position): LogPortion | undefined {
  let best: LogPortion | undefined
  for (const portion of portions) {
    if (portion.timeline !== timeline || portion.start > lsn || portion.end <= lsn) continue
    if (!best || portion.end > best.end) best = portion
  }
  return best
}

function missingAt({ portions }: LogIndex, at: Position, leavesAt: bigint | undefined): string | undefined {
  const later = portions.filter(({ timeline, start }) => timeline === at.timeline && start > at.lsn)
  if (later.length === 0 && leavesAt === undefined) return undefined
  const until = later.map(({ start }) => start).reduce((a, b) => (a < b ? a : b), leavesAt ?? later[0]!.start)
  return `the log of timeline ${at.timeline} from ${lsnText(at.lsn)} to ${lsnText(until)}`
}

/** Where the log that is archived ends on its newest timeline; undefined when there is none. */
export function endOfLog(index: LogIndex): Position | undefined {
  const newest = newestTimeline(index)
  const ends = index.portions.filter(({ timeline }) => timeline === newest).map(({ end }) => end)
  if (ends.length > 0) return { timeline: newest, lsn: ends.reduce((a, b) => (a > b ? a : b)) }
  // A timeline whose history is here and of which no byte is yet: the log ends where it began.
  const parent = index.histories.get(newest)?.at(-1)
  return parent && { timeline: parent.timeline, lsn: parent.endsAt }
}

/** Where the unbroken part of the log begins that reaches to its end. */
export function startOfRun(index: LogIndex): Position | undefined {
  const end = endOfLog(index)
  if (!end) return undefined
  const ends = lowestByEnd(index.portions)
  const before = (at: Position): LogPortion | undefined =>
    ends.get(placeOf(at.timeline, at.lsn)) ?? lowestReaching(index.portions, at)
  let at = end
  for (;;) {
    const earlier = before(at)
    if (earlier && earlier.start < at.lsn) {
      at = { timeline: at.timeline, lsn: earlier.start }
      continue
    }
    const parent = index.histories.get(at.timeline)?.at(-1)
    if (!parent || parent.endsAt < at.lsn || parent.endsAt > end.lsn) return at
    if (!before({ timeline: parent.timeline, lsn: at.lsn })) return at
    at = { timeline: parent.timeline, lsn: at.lsn }
  }
}

function lowestByEnd(portions: readonly LogPortion[]): ReadonlyMap<string, LogPortion> {
  const found = new Map<string, LogPortion>()
  for (const portion of portions) {
    const place = placeOf(portion.timeline, portion.end)
    const known = found.get(place)
    if (!known || portion.start < known.start) found.set(place, portion)
  }
  return found
}

function lowestReaching(portions: readonly LogPortion[], { timeline, lsn }: Position): LogPortion | undefined {
  let lowest: LogPortion | undefined
  for (const portion of portions) {
    if (portion.timeline !== timeline || portion.start >= lsn || portion.end < lsn) continue
    if (!lowest || portion.start < lowest.start) lowest = portion
  }
  return lowest
}
