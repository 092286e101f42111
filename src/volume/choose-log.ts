/** Which log goes on in a new epoch. Pure. */
import { assert } from '#base/assert.ts'
import type { EpochStart, History, Position } from '#wire/quorum/messages.ts'
import { compareLogs, historyUpTo, type LogEnd } from './history.ts'

interface SealedLog extends LogEnd {
  readonly durable: Position
}

interface ChosenLog {
  readonly end: Position
  readonly history: History
  readonly durable: Position
}

/** Among these, at least one of which has whatever was acknowledged. `comparesEpochs`: see Rules. */
export function chooseLog(sealed: readonly SealedLog[], comparesEpochs: boolean): ChosenLog {
  const compare = comparesEpochs ? compareLogs : (a: LogEnd, b: LogEnd): number => a.end - b.end
  const best = sealed.reduce((one, other) => (compare(other, one) > 0 ? other : one))
  const durable = Math.max(...sealed.map((log) => log.durable))
  assert(durable <= best.end, 'what is durable is in the chosen log')
  const history = historyUpTo(best.history, best.end)
  // A volume in which nothing was written yet has its beginning alone.
  return { end: best.end, durable, history: history.length > 0 ? history : best.history }
}

/**
 * What the log's history is once a writer goes on from there. `isResumed`: it has written already. `paddedEnd`: how far the
 * log goes if nothing but padding is behind what was read of it.
 */
export function historyOfWriter(
  { history, end, durable, paddedEnd }: ChosenLog & { readonly paddedEnd: Position },
  of: EpochStart,
  isResumed: boolean,
): History {
  const known = history.find(({ epoch }) => epoch === of.epoch)
  assert(known ? known.start === of.start : !isResumed, 'an epoch has one start')
  assert(known || durable <= of.start, 'a writer keeps what is durable')
  assert(of.start <= end || of.start === paddedEnd, 'a writer adds nothing unread')
  return known ? history : [...historyUpTo(history, of.start), of]
}
