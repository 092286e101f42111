/**
 * Judges what a consumer of a logical slot was shown. A slot may be lost, with an error: then another takes its place, and
 * a new life begins. Within a life nothing is left out; things may be shown more than once.
 */
import type { Operation } from './history.ts'

export interface Life {
  /** Inserts of greater values began after the slot was read for the first time. */
  readonly since: number
  /** In the order in which they were shown. */
  readonly shown: readonly number[]
}

/** What is wrong, for a person; empty when nothing is. The last life has been read to the end. Clients insert growing values. */
export function consumerComplaints(
  inserts: readonly Operation<number>[],
  final: readonly number[],
  lives: readonly Life[],
): string[] {
  const there = new Set(final)
  const byClient = Map.groupBy(
    inserts.filter(({ value }) => there.has(value)),
    ({ process }) => process,
  )
  const sequences = [...byClient.values()].map((own) => own.map(({ value }) => value).sort((a, b) => a - b))
  return lives.flatMap((life, n) => complaintsOf(life, { sequences, there, isLast: n === lives.length - 1 }))
}

interface Facts {
  /** What each client has inserted, in order. */
  readonly sequences: readonly (readonly number[])[]
  readonly there: ReadonlySet<number>
  readonly isLast: boolean
}

function complaintsOf({ since, shown }: Life, { sequences, there, isLast }: Facts): string[] {
  const seen = new Set(shown)
  const phantoms = [...seen].filter((value) => !there.has(value))
  const missed = sequences.flatMap((sequence) => {
    const due = sequence.filter((value) => value > since)
    const end = isLast ? due.length : due.findLastIndex((value) => seen.has(value))
    return due.slice(0, Math.max(end, 0)).filter((value) => !seen.has(value))
  })
  return [
    ...(phantoms.length > 0 ? [`shown to a consumer, and not there: ${phantoms.slice(0, 20).join(', ')}`] : []),
    ...(missed.length > 0 ? [`never shown to a consumer: ${missed.slice(0, 20).join(', ')}`] : []),
  ]
}
