/** Which epoch wrote which bytes of a log. Pure. */
import { assert } from '#base/assert.ts'
import type { Epoch, History, Piece, Position } from '#wire/quorum/messages.ts'

/** The epoch of the byte at `position`; undefined before the volume's beginning. */
export function epochAt(history: History, position: Position): Epoch | undefined {
  return history.findLast(({ start }) => start <= position)?.epoch
}

/** Where the bytes of an epoch of this history end; Infinity: it is the last one. */
export function endOfEpoch(history: History, epoch: Epoch): Position {
  const at = history.findIndex((entry) => entry.epoch === epoch)
  assert(at >= 0, `epoch ${epoch} is in the history`)
  return history[at + 1]?.start ?? Infinity
}

/** What of a peer's answer comes next in a log that ends there; undefined: nothing, or it is not the same log. */
export function partOfLog(history: History, end: Position, { position, dataEpoch, bytes }: Piece): Buffer | undefined {
  if (bytes.length === 0 || position !== end || epochAt(history, position) !== dataEpoch) return undefined
  return bytes.subarray(0, endOfEpoch(history, dataEpoch) - position)
}

/** The part of it that is about bytes before `end`. */
export const historyUpTo = (history: History, end: Position): History => history.filter(({ start }) => start < end)

/**
 * Up to where two logs are the same: bytes of one epoch at one position are, by whichever way they came. Undefined: they
 * never were one log. `end`: where the first of them ends.
 */
export function commonEnd(ours: History, end: Position, theirs: History): Position | undefined {
  let common: Position | undefined = undefined
  for (let at = 0; at < ours.length && at < theirs.length; at++) {
    const [a, b] = [ours[at]!, theirs[at]!]
    if (a.epoch !== b.epoch || a.start !== b.start) break
    common = Math.min(ours[at + 1]?.start ?? end, theirs[at + 1]?.start ?? Infinity, end)
  }
  return common
}

/**
 * Which of two logs has more of what may have been acknowledged: first by the epoch that wrote its last byte, then by
 * length. A longer log of an epoch that is over must lose. Negative: the first has less.
 */
export function compareLogs(a: LogEnd, b: LogEnd): number {
  return (lastEpoch(a) ?? 0) - (lastEpoch(b) ?? 0) || a.end - b.end
}

export interface LogEnd {
  readonly history: History
  readonly end: Position
}

const lastEpoch = ({ history, end }: LogEnd): Epoch | undefined => epochAt(history, end - 1)
