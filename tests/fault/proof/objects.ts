/**
 * Judges what a database has besides rows: tables made and dropped, numbers drawn from a sequence, transactions prepared
 * and committed later, large objects.
 */
import type { Operation, Outcome } from './history.ts'

export type ObjectOperation =
  | { readonly f: 'create' | 'drop' | 'prepare' | 'commit-prepared' | 'store'; readonly id: number }
  /** Drawn and written down in one transaction; undefined where it did not come back. */
  | { readonly f: 'draw'; readonly number: number | undefined }

export interface ObjectsEnd {
  readonly tables: readonly number[]
  /** Written down, as often as they are. */
  readonly drawn: readonly number[]
  /** Prepared, and still to be decided. */
  readonly prepared: readonly number[]
  /** Whose rows are there. */
  readonly committed: readonly number[]
  /** Large objects, and whether the bytes are those that were stored. */
  readonly stored: ReadonlyMap<number, boolean>
}

/** What is wrong, for a person; empty when nothing is. */
export function objectComplaints(operations: readonly Operation<ObjectOperation>[], end: ObjectsEnd): string[] {
  return [
    ...tableComplaints(operations, new Set(end.tables)),
    ...numberComplaints(operations, end.drawn),
    ...preparedComplaints(operations, end),
    ...storedComplaints(operations, end.stored),
  ]
}

type Operations = readonly Operation<ObjectOperation>[]

function tableComplaints(operations: Operations, there: ReadonlySet<number>): string[] {
  const created = outcomesOf(operations, 'create')
  const dropped = outcomesOf(operations, 'drop')
  return [...new Set([...created.keys(), ...there])].flatMap((table) => {
    const [made, gone] = [created.get(table), dropped.get(table)]
    if (there.has(table) && (made === undefined || made === 'fail'))
      return [`table ${table} is there, and was not made`]
    if (gone === 'ok' && there.has(table)) return [`table ${table} was dropped and is there`]
    const mustBeThere = made === 'ok' && (gone === undefined || gone === 'fail')
    return mustBeThere && !there.has(table) ? [`table ${table} was made and is lost`] : []
  })
}

function numberComplaints(operations: Operations, drawn: readonly number[]): string[] {
  const there = new Set(drawn)
  const twice = there.size < drawn.length ? drawn.filter((number, n) => drawn.indexOf(number) < n) : []
  const acknowledged = operations.flatMap(({ value, outcome }) =>
    value.f === 'draw' && outcome === 'ok' && value.number !== undefined ? [value.number] : [],
  )
  return [
    ...twice.map((number) => `the sequence gave ${number} twice`),
    ...acknowledged.filter((number) => !there.has(number)).map((number) => `number ${number} was written and is lost`),
  ]
}

function preparedComplaints(operations: Operations, end: ObjectsEnd): string[] {
  const [undecided, committed] = [new Set(end.prepared), new Set(end.committed)]
  const prepared = outcomesOf(operations, 'prepare')
  const decided = outcomesOf(operations, 'commit-prepared')
  return [...prepared].flatMap(([id, outcome]) => {
    const isThere = undecided.has(id) || committed.has(id)
    const decision = decided.get(id) ?? 'fail'
    if (undecided.has(id) && committed.has(id)) return [`transaction ${id} is prepared and committed`]
    if (outcome === 'fail' && isThere) return [`transaction ${id} could not be prepared and is there`]
    if (outcome === 'ok' && !isThere) return [`transaction ${id} was prepared and is lost`]
    if (decision === 'ok' && !committed.has(id)) return [`transaction ${id} was committed and is not`]
    if (decision === 'fail' && committed.has(id)) return [`transaction ${id} is committed, and nobody did it`]
    return []
  })
}

const storedComplaints = (operations: Operations, stored: ReadonlyMap<number, boolean>): string[] => [
  ...[...outcomesOf(operations, 'store')].flatMap(([id, outcome]) =>
    outcome === 'ok' && !stored.has(id) ? [`large object ${id} was stored and is lost`] : [],
  ),
  ...[...stored].flatMap(([id, isWhole]) => (isWhole ? [] : [`large object ${id} is not what was stored`])),
]

/** Of several attempts at one thing that which says most: it happened, it may have, it did not. */
function outcomesOf(operations: Operations, f: ObjectOperation['f']): Map<number, Outcome> {
  const rank: Record<Outcome, number> = { fail: 0, unknown: 1, ok: 2 }
  const outcomes = new Map<number, Outcome>()
  for (const { value, outcome } of operations) {
    if (value.f === 'draw' || value.f !== f) continue
    const before = outcomes.get(value.id)
    if (before === undefined || rank[outcome] > rank[before]) outcomes.set(value.id, outcome)
  }
  return outcomes
}
