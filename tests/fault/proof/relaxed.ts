/**
 * Judges commits of two kinds: strict ones, which are durable when they are acknowledged, and relaxed ones
 * (`synchronous_commit = off`), which a failure may take back. What it takes back is the end of the log of then: of the
 * commits of one connection the last ones, all relaxed.
 *
 * Only of one connection: it ends with its engine, so its commits share a log. A failure between commits of two
 * connections may take the earlier one back, and the later one, made afterwards, says nothing of it.
 */
import type { Operation } from './history.ts'

export interface Commit {
  readonly value: number
  readonly isStrict: boolean
  /** The connection that it was made in, by a number that no other has. */
  readonly connection: number
}

export interface RelaxedVerdict {
  /** Strict and acknowledged, and not there in the end. */
  readonly lost: readonly number[]
  /** Relaxed, acknowledged and not there, though a later one of its connection is. */
  readonly torn: readonly number[]
  /** Failed or never made, and there all the same. */
  readonly risen: readonly number[]
  /** Relaxed commits that failures have taken back, as they may. */
  readonly takenBack: number
}

export function checkRelaxed(operations: readonly Operation<Commit>[], final: readonly number[]): RelaxedVerdict {
  const there = new Set(final)
  const mayBeThere = new Set(operations.filter(({ outcome }) => outcome !== 'fail').map(({ value }) => value.value))
  const acknowledged = operations.filter(({ outcome }) => outcome === 'ok')
  const lastThere = new Map<number, number>()
  for (const { value, began } of operations)
    if (there.has(value.value)) lastThere.set(value.connection, Math.max(began, lastThere.get(value.connection) ?? -1))
  const missing = acknowledged.filter(({ value }) => !there.has(value.value))
  const relaxed = missing.filter(({ value }) => !value.isStrict)
  const isInside = ({ value, ended }: Operation<Commit>): boolean => ended < (lastThere.get(value.connection) ?? -1)
  const numbers = (found: readonly Operation<Commit>[]): number[] => found.map(({ value }) => value.value)
  return {
    lost: numbers(missing.filter(({ value }) => value.isStrict)),
    torn: numbers(relaxed.filter(isInside)),
    risen: final.filter((value) => !mayBeThere.has(value)),
    takenBack: relaxed.filter((one) => !isInside(one)).length,
  }
}

/** What is wrong, for a person; empty when nothing is. */
export const relaxedComplaints = (verdict: RelaxedVerdict): string[] =>
  (['lost', 'torn', 'risen'] as const).flatMap((name) =>
    verdict[name].length > 0 ? [`relaxed commits: ${name}: ${verdict[name].slice(0, 20).join(', ')}`] : [],
  )
