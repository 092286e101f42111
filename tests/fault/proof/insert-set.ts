/**
 * Judges inserts of values of which none is inserted twice, reads of all values while inserts go on, and what is there
 * in the end: every acknowledged one and none that failed; of the unknown ones any.
 */
import type { Operation } from './history.ts'

export type SetOperation =
  | { readonly f: 'insert'; readonly value: number }
  | { readonly f: 'read'; readonly values: readonly number[] | undefined }

export interface SetVerdict {
  /** Acknowledged, and not there in the end. */
  readonly lost: readonly number[]
  /** Failed, and there all the same. */
  readonly risen: readonly number[]
  /** There, and never inserted. */
  readonly phantom: readonly number[]
  readonly duplicated: readonly number[]
  /** Acknowledged before a read began, or seen by a read that had ended, and not in that read. */
  readonly stale: readonly number[]
  readonly acknowledged: number
  readonly unknown: number
}

export function checkSet(operations: readonly Operation<SetOperation>[], final: readonly number[]): SetVerdict {
  const inserts = operations.flatMap((operation) =>
    operation.value.f === 'insert' ? [{ ...operation, number: operation.value.value }] : [],
  )
  const outcomes = new Map(inserts.map(({ number, outcome }) => [number, outcome]))
  const there = new Set(final)
  const acknowledged = inserts.filter(({ outcome }) => outcome === 'ok')
  return {
    lost: acknowledged.map(({ number }) => number).filter((value) => !there.has(value)),
    risen: [...there].filter((value) => outcomes.get(value) === 'fail'),
    phantom: [...there].filter((value) => !outcomes.has(value)),
    duplicated: final.filter((value, n) => final.indexOf(value) < n && final.length > there.size),
    stale: staleReads(operations),
    acknowledged: acknowledged.length,
    unknown: inserts.filter(({ outcome }) => outcome === 'unknown').length,
  }
}

/** In order of time: what is known to be there when a read begins must be in it. */
function staleReads(operations: readonly Operation<SetOperation>[]): number[] {
  const moments = operations
    .filter(({ outcome }) => outcome === 'ok')
    .flatMap((operation) => [
      { at: operation.began, operation, isEnd: false },
      { at: operation.ended, operation, isEnd: true },
    ])
    .sort((a, b) => a.at - b.at)
  const known: number[] = []
  const isKnown = new Set<number>()
  const knownAtBegin = new Map<Operation<SetOperation>, number>()
  const stale = new Set<number>()
  const learn = (value: number): void => {
    if (isKnown.has(value)) return
    isKnown.add(value)
    known.push(value)
  }
  for (const { operation, isEnd } of moments) {
    const { value } = operation
    if (value.f === 'insert') {
      if (isEnd) learn(value.value)
      continue
    }
    if (!isEnd) {
      knownAtBegin.set(operation, known.length)
      continue
    }
    const seen = new Set(value.values)
    for (const must of known.slice(0, knownAtBegin.get(operation))) if (!seen.has(must)) stale.add(must)
    for (const one of seen) learn(one)
  }
  return [...stale]
}

/** What is wrong, for a person; empty when nothing is. */
export const setComplaints = (verdict: SetVerdict): string[] =>
  (['lost', 'risen', 'phantom', 'duplicated', 'stale'] as const).flatMap((name) =>
    verdict[name].length > 0 ? [`insert set: ${name}: ${verdict[name].slice(0, 20).join(', ')}`] : [],
  )
