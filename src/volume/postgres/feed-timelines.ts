/** What readers are told of timelines: those of the history that they may know. Pure. */
import { historyName } from '#wire/pg/lsn.ts'
import { historyText } from '#wire/pg/timeline-history.ts'
import type { Epoch, History, Position } from '#wire/quorum/messages.ts'
import { historyUpTo } from '../history.ts'

/**
 * The part of a history that a reader may know: epochs of which it may have a byte. Were it told of one of which nothing
 * is durable yet, it would follow that, and could not come back when the next epoch begins without it.
 */
export function shownHistory(history: History, shown: Position): History {
  const part = historyUpTo(history, shown)
  return part.length > 0 ? part : history.slice(0, 1)
}

/** Where an epoch ends, and which is next. Undefined: there is none of this number. */
export function epochEnd(
  history: History,
  epoch: Epoch,
): { readonly end: Position; readonly next: Epoch | undefined } | undefined {
  const at = history.findIndex((entry) => entry.epoch === epoch)
  if (at < 0) return undefined
  const next = history[at + 1]
  return { end: next?.start ?? Infinity, next: next?.epoch }
}

/**
 * The history file of a timeline. A number that no timeline has, below one that there is, belongs to an epoch that came to
 * nothing: a reader wants the file of each number in between, and finds a comment. Undefined: not here, or not yet.
 */
export function historyFile(history: History, timeline: Epoch): { name: string; text: string } | undefined {
  const [first, last] = [history[0], history.at(-1)]
  if (!first || !last || timeline > last.epoch || timeline < first.epoch) return undefined
  const at = history.findIndex(({ epoch }) => epoch === timeline)
  if (at === 0) return undefined
  const ancestors = history.slice(0, Math.max(at, 0)).map(({ epoch }, index) => ({
    timeline: epoch,
    endsAt: BigInt(history[index + 1]!.start),
  }))
  return { name: historyName(timeline), text: at < 0 ? RESERVED : historyText(ancestors, 'another writer') }
}

/** Nothing but a comment: PostgreSQL takes the number for used, and sees no parent. */
const RESERVED = '# reserved\n'
