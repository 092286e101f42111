import type { Mutation } from '#store/collection.ts'
import type { FlowView } from '../flows.ts'

/** A living flow as the store holds it. An ended flow has no row. */
export interface FlowRow {
  readonly id: string
  readonly name: string
  readonly subject: string
  readonly input: unknown
  readonly startedAt: number
  readonly step: string
  readonly enteredAt: number
  /** Time that the present step has had while a runner was there; time between two processes does not count. */
  readonly spentMs: number
  readonly failures: number
  readonly lastError?: string | undefined
  /** The flow came to its step because another ran out of attempts or time: this one is tried for ever. */
  readonly isLastResort: boolean
}

export const ROW_PREFIX = 'flow/'
export const rowKey = (id: string): string => ROW_PREFIX + id
/** Holds the id of the subject's living flow. Exists exactly as long as that flow's row. */
export const subjectKey = (subject: string): string => `flow-subject/${subject}`

/** Writes that make a flow's row and take its subject. */
export function birth(row: FlowRow): Mutation {
  return {
    compares: [{ key: rowKey(row.id), modRevision: 0 }],
    ops: [
      { op: 'put', key: subjectKey(row.subject), value: row.id },
      { op: 'put', key: rowKey(row.id), value: JSON.stringify(row) },
    ],
  }
}

export function viewOf(row: FlowRow): FlowView {
  const { id, name, subject, step, startedAt, failures, lastError } = row
  return { id, name, subject, step, startedAt, failures, lastError, outcome: undefined }
}
