import { endOfLog, startOfRun, type LogIndex, type Position } from '#archive/log-chain.ts'
import type { LogSource } from '#engine/log-source.ts'
import { lsnText, segmentStart } from '#wire/pg/lsn.ts'
import { parseHistory } from '#wire/pg/timeline-history.ts'

export interface StartingPoint {
  /** What comes next in the archive. */
  readonly at: Position
  /** Where the unbroken part begins that this continues. */
  readonly from: Position
  /** The timeline whose history the archive lacks and needs before it gets its first byte. */
  readonly history: number | undefined
}

/**
 * Where to go on. The archive alone says how far it has come; so it does not matter on which host, or behind how many
 * failovers, this runs. `anew`: what the archive needs next is gone from the engine, so that a new unbroken part begins.
 */
export async function startingPoint(source: LogSource, index: LogIndex, anew: boolean): Promise<StartingPoint> {
  const server = await source.identify()
  const history = server.timeline > 1 && !index.histories.has(server.timeline) ? server.timeline : undefined
  const end = endOfLog(index)
  const fresh = { timeline: server.timeline, lsn: segmentStart(server.lsn) }
  if (!end) return { at: fresh, from: fresh, history }
  // An old primary that has not heard of its successor yet must not write into the successor's archive.
  if (end.timeline > server.timeline)
    throw new Error(`the archive is on timeline ${end.timeline}, and the engine still on ${server.timeline}`)
  const overlaps = end.timeline === server.timeline && fresh.lsn <= end.lsn
  if (anew && !overlaps) return { at: fresh, from: fresh, history }
  const from = startOfRun(index) ?? end
  if (end.timeline === server.timeline) {
    // What a log node shows may be behind what another one showed: whoever waits for it gets it.
    if (end.lsn > server.lsn && server.behindMs === 0)
      throw new Error(`the archive has the log to ${lsnText(end.lsn)}, and the engine only to ${lsnText(server.lsn)}`)
    return { at: end, from, history: undefined }
  }
  const ancestors = parseHistory(await source.history(server.timeline))
  const place = ancestors.findIndex(({ timeline }) => timeline === end.timeline)
  const left = ancestors[place]
  if (!left) return { at: fresh, from: fresh, history }
  if (end.lsn < left.endsAt) return { at: end, from, history: undefined }
  // What the archive has beyond that point was never part of what the new primary continues.
  const timeline = ancestors[place + 1]?.timeline ?? server.timeline
  return { at: { timeline, lsn: left.endsAt }, from, history: timeline }
}
