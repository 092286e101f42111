/** What a restore to a time needs, and whether it is there: decided by names alone, before anything is read or made. */
import { parseLsn } from '#wire/pg/lsn.ts'
import type { BaseFacts } from '#wire/agent/archive.ts'
import { BaseArchive } from './base-archive.ts'
import { LogArchive } from './log-archive.ts'
import { chainFrom, type Chain, type LogIndex, type Position } from './log-chain.ts'
import type { LogPortion } from './log-keys.ts'
import type { ObjectStore } from './object-store.ts'

export interface RestorePlan {
  readonly base: BaseFacts
  readonly chain: Chain
  /** Where what is restored ends. */
  readonly until: Position
  /** Whether the log has something that is newer than the time, so that the restore has to stop before its end. */
  readonly stopsAtTime: boolean
}

export type Planned =
  | { readonly plan: RestorePlan }
  /** What is missing, and up to where, in milliseconds since the epoch, a restore can go without it. */
  | { readonly missing: string; readonly restorableTo: number | undefined }

/** `time` in milliseconds since the epoch, inclusive; undefined: as far as the log goes. */
export async function planRestore(store: ObjectStore, prefix: string, time: number | undefined): Promise<Planned> {
  const bases = new BaseArchive(store, prefix)
  const usable = (await bases.list()).filter(({ usableFrom }) => time === undefined || usableFrom <= time)
  // The newest has the least to read of the log. An older one is of use only where that one is not whole.
  const newestFirst = usable.sort((a, b) => b.usableFrom - a.usableFrom)
  if (newestFirst.length === 0) return { missing: 'a base backup from before that time', restorableTo: undefined }
  const index = await new LogArchive(store, prefix).index()
  let refusal: Planned | undefined
  for (const base of newestFirst) {
    const isNewer = ({ newestUs }: { newestUs: number }): boolean => time !== undefined && newestUs > time * 1_000
    const chain = chainBehind(index, base, isNewer)
    const newestUs = Math.max(...chain.links.map(({ portion }) => portion.newestUs), 0)
    const missing =
      chain.missing ??
      (await bases.missingOf(base.id)) ??
      (chain.links.length === 0 ? `the log of timeline ${base.timeline} from ${base.start} on` : undefined)
    if (missing === undefined)
      return {
        plan: {
          base,
          chain,
          until: endOfRestore(base, chain),
          stopsAtTime: time !== undefined && newestUs > time * 1_000,
        },
      }
    const restorableTo =
      chain.missing === undefined ? undefined : Math.max(base.usableFrom, Math.floor(newestUs / 1_000))
    refusal ??= { missing, restorableTo }
  }
  return refusal!
}

/**
 * From where the base backup begins to need the log, or, where that was not archived any more or not yet, from where its
 * own ends: a backup that was taken from a standby begins where the standby last made sure of its data.
 */
export function chainBehind(
  index: LogIndex,
  { timeline, start, end }: Pick<BaseFacts, 'timeline' | 'start' | 'end'>,
  enough: (portion: LogPortion) => boolean,
): Chain {
  const chain = chainFrom(index, { timeline, lsn: parseLsn(start) }, enough)
  const lacksOwn = chain.missing !== undefined && chain.end.timeline === timeline && chain.end.lsn < parseLsn(end)
  return lacksOwn ? chainFrom(index, { timeline, lsn: parseLsn(end) }, enough) : chain
}

/**
 * The end on the timeline that was read last: a timeline of which nothing is here yet is not gone to. What was copied has
 * its own log up to its end, which the archive may not have yet, and without which it is not consistent.
 */
export function endOfRestore(base: Pick<BaseFacts, 'timeline' | 'end'>, { links }: Pick<Chain, 'links'>): Position {
  const last = links.at(-1)
  const own = { timeline: base.timeline, lsn: parseLsn(base.end) }
  if (!last || (last.timeline === own.timeline && last.to < own.lsn)) return own
  return { timeline: last.timeline, lsn: last.to }
}
