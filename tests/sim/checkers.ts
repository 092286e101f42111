/** Judges of one simulation. They see its history and what was left, and neither code nor faults. */
import type { Copy, FinalState, Happened } from './history.ts'
import { recordsOf } from './records.ts'

/**
 * A writer that cannot hear a write quorum may show what it has for so long: its lease; what a head that comes back has of
 * one; the moment between; and a moment to notice.
 */
const STALE_MS_MAX = 3_000 + 1_000 + 400 + 200

type Of<T extends Happened['type']> = Extract<Happened, { readonly type: T }>

function of<T extends Happened['type']>(events: readonly Happened[], type: T): Of<T>[] {
  return events.filter((one): one is Of<T> => one.type === type)
}

/** What is wrong; nothing: nothing is. */
export function judge(events: readonly Happened[], final: FinalState): string[] {
  return [
    ...brokenOnes(events),
    ...writersOfEpochs(events),
    ...lostCommits(events, final),
    ...fallenPoints(events),
    ...shownAndGone(events, final),
    ...staleReads(events),
    ...phantoms(events, final),
    ...unlikeCopies(final),
  ]
}

/** No invariant of the code under test may break, whatever the faults. */
export function brokenOnes(events: readonly Happened[]): string[] {
  return of(events, 'broken').map(({ process, error }) => `broken: ${process}: ${error.stack ?? error.message}`)
}

/** One writer per epoch, and each took its epoch before. */
export function writersOfEpochs(events: readonly Happened[]): string[] {
  const taken = new Set<number>()
  const promoted = new Set<number>()
  const wrong: string[] = []
  for (const event of events) {
    if (event.type === 'taken') {
      if (taken.has(event.epoch)) wrong.push(`writers: epoch ${event.epoch} was taken twice`)
      taken.add(event.epoch)
    }
    if (event.type === 'promoted') {
      if (!taken.has(event.epoch)) wrong.push(`writers: epoch ${event.epoch} has a writer and was not taken`)
      if (promoted.has(event.epoch)) wrong.push(`writers: two in epoch ${event.epoch}`)
      promoted.add(event.epoch)
    }
  }
  return wrong
}

/** Every later writer begins with all that was acknowledged, and in the end it is all there. */
export function lostCommits(events: readonly Happened[], { writer }: FinalState): string[] {
  const acknowledged = of(events, 'acknowledged')
  const logs = of(events, 'promoted').map(({ epoch, log }) => ({ what: `the writer of epoch ${epoch}`, epoch, log }))
  if (writer) logs.push({ what: 'the last writer', epoch: Infinity, log: writer.log })
  return logs.flatMap(({ what, epoch, log }) => {
    const lost = acknowledged.find((one) => one.epoch < epoch && !endsWith(log, one.end, one.record))
    return lost === undefined
      ? []
      : [
          `lost: ${what} has not what was acknowledged in epoch ${lost.epoch} at ${lost.end}, time ${lost.at.toFixed(1)}`,
        ]
  })
}

/** The durable point of a head never falls; an epoch begins with all that was durable before it. */
export function fallenPoints(events: readonly Happened[]): string[] {
  const wrong: string[] = []
  const ofHeads = new Map<string, number>()
  const ofEpochs = new Map<number, number>()
  for (const event of events) {
    if (event.type !== 'durable') continue
    const { head, epoch, position } = event
    const before = ofHeads.get(head) ?? 0
    if (position < before) wrong.push(`durable: from ${before} to ${position} by ${head}`)
    ofHeads.set(head, position)
    ofEpochs.set(epoch, Math.max(position, ofEpochs.get(epoch) ?? 0))
  }
  for (const { epoch, start } of of(events, 'promoted')) {
    for (const [other, point] of ofEpochs) {
      if (other < epoch && point > start)
        wrong.push(`durable: ${point} in epoch ${other}, but ${epoch} begins at ${start}`)
    }
  }
  return wrong
}

/** What a client saw at a writer is there in the end. */
export function shownAndGone(events: readonly Happened[], { writer }: FinalState): string[] {
  if (!writer) return []
  const logs = new Map(of(events, 'promoted').map((one) => [one.epoch, one]))
  const shown = new Map<number, number>()
  for (const { epoch, end } of of(events, 'shown')) shown.set(epoch, Math.max(shown.get(epoch) ?? 0, end))
  return [...shown].flatMap(([epoch, end]) => {
    const at = logs.get(epoch)
    if (at === undefined) return [`shown: by epoch ${epoch}, which has no writer`]
    // Beyond its start its records are judged as acknowledged ones: a writer shows no others.
    const common = Math.min(end, at.start)
    const isThere = writer.log.length >= end && writer.log.subarray(0, common).equals(at.log.subarray(0, common))
    return isThere ? [] : [`shown: what epoch ${epoch} showed before ${end} is not there in the end`]
  })
}

/** Nobody is served by an old writer for long once a later one serves. */
export function staleReads(events: readonly Happened[]): string[] {
  const opened = of(events, 'opened')
  const wrong = new Map<number, string>()
  for (const { at, epoch } of of(events, 'shown')) {
    const later = opened.find((one) => one.epoch > epoch && one.at + STALE_MS_MAX < at)
    if (later)
      wrong.set(epoch, `stale: epoch ${epoch} served ${(at - later.at).toFixed(0)} ms after ${later.epoch} had opened`)
  }
  return [...wrong.values()]
}

/** A reader never has bytes that are not there in the end. */
export function phantoms(events: readonly Happened[], { writer, readers }: FinalState): string[] {
  const diverged = of(events, 'diverged').map(
    ({ reader, end }) => `phantom: ${reader} had to cut what it had before ${end}`,
  )
  if (!writer) return diverged
  const wrong = readers.filter(({ log }) => !writer.log.subarray(0, log.length).equals(log))
  return [
    ...diverged,
    ...wrong.map(({ name, log }) => `phantom: ${name} has ${log.length} bytes that are not the log's`),
  ]
}

/** Once all is well there is a writer, everything it wrote is durable, and all six copies have it. */
export function unlikeCopies({ start, writer, copies }: FinalState): string[] {
  if (!writer) return ['not writable: the faults are over, and nobody can write']
  const { log, durable } = writer
  const wrong: string[] = []
  if (durable < log.length)
    wrong.push(`not writable: ${log.length - durable} bytes of the last writer never became durable`)
  if (recordsOf(log, start).at(-1)?.end !== log.length) wrong.push('records: the log does not consist of whole ones')
  if (copies.length !== 6) wrong.push(`copies: there are ${copies.length}`)
  return [...wrong, ...copies.flatMap((copy) => unlike(copy, log))]
}

function unlike({ member, end, first, log: bytes }: Copy, log: Buffer): string[] {
  if (end !== log.length) return [`copies: ${member} has the log up to ${end}, the writer up to ${log.length}`]
  if (bytes === undefined) return [`copies: ${member} cannot read what it has`]
  return bytes.equals(log.subarray(first)) ? [] : [`copies: ${member} has other bytes than the writer`]
}

const endsWith = (log: Buffer, end: number, bytes: Buffer): boolean =>
  log.length >= end && log.subarray(end - bytes.length, end).equals(bytes)
