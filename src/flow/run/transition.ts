/** Decides where a flow goes after a step returned or threw. Pure. */
import { SECOND_MS } from '#base/durations.ts'
import { messageOf, Trouble } from '#base/trouble.ts'
import type { Mutation } from '#store/collection.ts'
import type { FlowDefinition, Next, StepPolicy } from '../flow.ts'
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, STEP_ATTEMPTS_MAX_DEFAULT, STEP_DEADLINE_MS_DEFAULT } from '../limits.ts'
import type { FlowRow } from './row.ts'

export interface Situation {
  readonly row: FlowRow
  readonly definition: FlowDefinition
  /** Time that the step has had so far. */
  readonly spentMs: number
  /** Wall time. */
  readonly now: number
  /** From 0 to 1: spreads the retries of flows that failed together. */
  readonly jitter: number
}

export type StepResult = { readonly returned: Next<string> } | { readonly threw: unknown }

export interface Move {
  /** The row to write; undefined ends the flow. The same object as before when there is nothing to write. */
  readonly row: FlowRow | undefined
  readonly writes: readonly Mutation[]
  readonly then:
    | { readonly is: 'again' }
    | { readonly is: 'sleep'; readonly ms: number; readonly isWakeable: boolean }
    | { readonly is: 'ended'; readonly outcome: string }
  /** Why the flow left its step for the `exhausted` one. */
  readonly exhaustedBy?: string
}

export function transition(situation: Situation, result: StepResult): Move {
  if ('threw' in result) return afterError(situation, result.threw)
  const { row, definition } = situation
  const { returned } = result
  switch (returned.next) {
    case 'done':
      return { row: undefined, writes: returned.writes, then: { is: 'ended', outcome: returned.outcome } }
    case 'go':
      if (!Object.hasOwn(definition.steps, returned.step)) {
        return afterError(situation, new Error(`step ${row.step} goes to ${returned.step}, which does not exist`))
      }
      return { row: enter(situation, returned.step), writes: returned.writes, then: { is: 'again' } }
    case 'wait':
      return afterWait(situation, returned)
  }
}

/** Pause before the attempt after this many failures in a row. */
export function backoffMs(failures: number, jitter: number): number {
  const full = Math.min(BACKOFF_MS_MIN * 2 ** Math.min(failures - 1, 30), BACKOFF_MS_MAX)
  return full * (0.5 + jitter / 2)
}

function afterWait(situation: Situation, wait: Next<string> & { next: 'wait' }): Move {
  const { row, spentMs } = situation
  const leftMs = row.isLastResort ? Infinity : policyOf(situation).deadlineMs - spentMs
  if (leftMs <= 0) {
    const why = row.lastError ?? `${row.step} did not finish within ${Math.round(spentMs / SECOND_MS)} seconds`
    return { ...exhaust(situation, why), writes: wait.writes }
  }
  // Not beyond the deadline, so that running out is noticed when it happens.
  const ms = Math.min(wait.timeoutMs, leftMs)
  const next = wait.writes.length > 0 ? { ...row, spentMs } : row
  return { row: next, writes: wait.writes, then: { is: 'sleep', ms, isWakeable: true } }
}

function afterError(situation: Situation, error: unknown): Move {
  const { row, spentMs } = situation
  const failures = row.failures + 1
  const { attemptsMax, deadlineMs } = policyOf(situation)
  const isHopeless = error instanceof Trouble && !error.retryable
  if (!row.isLastResort && (isHopeless || failures >= attemptsMax || spentMs >= deadlineMs)) {
    return exhaust(situation, messageOf(error))
  }
  return {
    row: { ...row, spentMs, failures, lastError: messageOf(error) },
    writes: [],
    then: { is: 'sleep', ms: backoffMs(failures, situation.jitter), isWakeable: false },
  }
}

function exhaust(situation: Situation, why: string): Move {
  const row = { ...enter(situation, situation.definition.options.exhausted), lastError: why, isLastResort: true }
  return { row, writes: [], then: { is: 'again' }, exhaustedBy: why }
}

function enter({ row, now }: Situation, step: string): FlowRow {
  return { ...row, step, enteredAt: now, spentMs: 0, failures: 0, lastError: undefined, isLastResort: false }
}

function policyOf({ definition, row }: Situation): StepPolicy {
  const { policy, steps } = definition.options
  return {
    attemptsMax: STEP_ATTEMPTS_MAX_DEFAULT,
    deadlineMs: STEP_DEADLINE_MS_DEFAULT,
    ...policy,
    ...steps?.[row.step],
  }
}
