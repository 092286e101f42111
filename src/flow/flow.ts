/**
 * Durable workflows: what a flow is. The runtime (runner.ts) knows no resource; what steps work on comes to them
 * through the context that the room which defines them provides.
 *
 * A step is short, may run more than once, and returns what happens next. Whatever it returns is committed together
 * with its own writes, in one transaction with the flow's row; a process that dies before that commit runs the step
 * again, one that dies after it goes on with the next.
 */
import type { Mutation } from '#store/collection.ts'

/** What a step decides. `Step` is the union of the flow's step names, so that a misspelt step is a type error. */
export type Next<Step extends string> =
  | { readonly next: 'go'; readonly step: Step; readonly writes: readonly Mutation[] }
  /** Runs this step again when the flow is woken, or `timeoutMs` from now, whichever is first. */
  | { readonly next: 'wait'; readonly timeoutMs: number; readonly writes: readonly Mutation[] }
  /** The end: the row goes, `outcome` is told to whoever asks. May write what starts the subject's next flow (`supersede`). */
  | { readonly next: 'done'; readonly outcome: string; readonly writes: readonly Mutation[] }

export const go = <S extends string>(step: S, ...writes: Mutation[]): Next<S> => ({ next: 'go', step, writes })

/** Longest a waiting step sleeps without looking again: the safety net under a lost wake-up, not the way to be woken. */
const WAIT_MS_DEFAULT = 30_000

export const wait = (options: { timeoutMs?: number } = {}, ...writes: Mutation[]): Next<never> => ({
  next: 'wait',
  timeoutMs: options.timeoutMs ?? WAIT_MS_DEFAULT,
  writes,
})

export const done = (outcome: string, ...writes: Mutation[]): Next<never> => ({ next: 'done', outcome, writes })

/** What the runtime tells every step about its own flow. */
export interface FlowFacts<Input> {
  readonly flowId: string
  readonly input: Input
  /** The thing this flow works on; at most one flow per subject is alive. */
  readonly subject: string
  /** When the flow was started, milliseconds since the epoch. */
  readonly startedAt: number
  /** When the present step was first entered. */
  readonly enteredAt: number
  /**
   * Milliseconds spent in the present step, on the monotonic clock: what a step waits for itself it measures by this, which
   * no jump of the clock stretches. Time in which serve was away may be missing.
   */
  readonly spentMs: number
  /** How often this step has thrown since it was entered: 0 at first. */
  readonly failures: number
  /** The message of the error it threw last, if it has. In the `exhausted` step: why the flow came to it. */
  readonly lastError: string | undefined
}

export interface StepPolicy {
  /** Attempts before the flow goes to its `exhausted` step. */
  readonly attemptsMax: number
  /** Time in one step, waits included, before the flow goes to its `exhausted` step. */
  readonly deadlineMs: number
}

export interface FlowOptions<S extends string> {
  /** Where the flow goes when a step ran out of attempts or time. It must not need what just failed. */
  readonly exhausted: S
  readonly policy?: Partial<StepPolicy>
  /** Exceptions to `policy`, by step. */
  readonly steps?: { readonly [K in S]?: Partial<StepPolicy> }
}

export interface FlowDefinition<Context = never> {
  readonly name: string
  readonly first: string
  readonly steps: Readonly<Record<string, (context: Context) => Promise<Next<string>>>>
  readonly options: FlowOptions<string>
}

/**
 * Defines a flow. The first key of `steps` is where it starts.
 * `Context` is what the defining room gives its steps, {@link FlowFacts} included.
 */
export function flow<Context, S extends string>(
  name: string,
  options: FlowOptions<NoInfer<S>>,
  steps: { readonly [K in S]: (context: Context) => Promise<Next<NoInfer<S>>> },
): FlowDefinition<Context> {
  const first = Object.keys(steps)[0]
  if (first === undefined) throw new TypeError(`flow ${name} has no steps`)
  return { name, first, steps, options }
}
