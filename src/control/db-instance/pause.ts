/** The rest of serverless instances that nobody is connected to. */
import type { DbInstanceRecord } from './record.ts'

/**
 * Of a serverless instance without clients:
 *
 *     awake ──► pausing ──► paused ──► awake       pausing: new clients are kept waiting while it is found out that there
 *        ▲         │                               are none, and then while its engine stops
 *        └─────────┘  (somebody came)              paused: no engine runs; it is one also while it is brought back
 */
export interface Pause {
  readonly state: 'pausing' | 'paused'
  readonly since: number
}

/** The record with this state of rest; undefined: it is awake. */
export function withPause(record: DbInstanceRecord, pause: Pause | undefined): DbInstanceRecord {
  if (!record.aurora) return record
  const { pause: _before, ...aurora } = record.aurora
  return { ...record, aurora: { ...aurora, ...(pause && { pause }) } }
}

/** It is paused, as far as it is for clients at all. */
export const isPaused = ({ phase, aurora }: DbInstanceRecord): boolean =>
  phase === 'available' && aurora?.pause?.state === 'paused'
