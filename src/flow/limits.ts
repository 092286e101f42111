/** Limits of the flow runtime. */
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'

/** Steps that run at the same time. A step mostly waits for an agent's answer; more than this only queues there. */
export const STEPS_AT_ONCE_MAX = 64

/** With the backoff below, ten attempts take some 40 seconds: longer than an agent needs to come back. */
export const STEP_ATTEMPTS_MAX_DEFAULT = 10
export const STEP_DEADLINE_MS_DEFAULT = 10 * MINUTE_MS

/** First pause after a step threw; it doubles with each failure in a row. */
export const BACKOFF_MS_MIN = 100
export const BACKOFF_MS_MAX = 10 * SECOND_MS

/** Commits in a row that lost against other writers before that counts as a failure of the step. */
export const STEP_CONFLICTS_MAX = 20

/** Failures of an `exhausted` step after which each one is logged as an error: nothing else will end the flow. */
export const LAST_RESORT_FAILURES_MAX = 5

/** A step should be short. One that has not returned after this is logged as an error; it cannot be interrupted. */
export const STEP_RUN_MS_MAX = 5 * MINUTE_MS

/** How long a stopping runner waits for the steps that are running. */
export const HALT_PATIENCE_MS = 10 * SECOND_MS

/** Another runner on the same store takes over this long after the one that holds the claim has gone silent. */
export const CLAIM_TTL_MS = 30 * SECOND_MS
export const CLAIM_RENEW_MS = CLAIM_TTL_MS / 3

/** Outcomes of ended flows kept in memory, for those who ask late. */
export const OUTCOMES_KEPT_MAX = 10_000
