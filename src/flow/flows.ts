/**
 * The door to running flows: what control needs to start, supersede, wake and await them. `runner.ts` implements it.
 */
import type { Mutation } from '#store/collection.ts'
import type { Op } from '#store/store.ts'

/** A flow's row as others may see it. */
export interface FlowView {
  readonly id: string
  readonly name: string
  readonly subject: string
  readonly step: string
  readonly startedAt: number
  readonly failures: number
  readonly lastError: string | undefined
  /** Set once the flow has ended. */
  readonly outcome: string | undefined
}

export interface Flows {
  /**
   * Writes that start a flow, for the caller's transaction. The transaction fails if the subject already has one.
   * `id` is new, and later the idempotency key of everything that the flow asks others to do.
   */
  start(name: string, subject: string, input: unknown): { readonly id: string; readonly writes: Mutation }
  /**
   * Writes that start a flow in the place of the one that the subject may have now: that one runs no further step
   * (a step already running cannot commit). For deletion, which may interrupt anything.
   */
  supersede(name: string, subject: string, input: unknown): Promise<{ readonly id: string; readonly writes: Mutation }>
  /** Operations that end a living flow where it stands: it commits nothing more. For wiping everything. */
  removal(flowId: string, subject: string): Op[]
  /** The subject's living flow. */
  of(subject: string): Promise<FlowView | undefined>
  list(): Promise<FlowView[]>
  /** Something that a waiting flow may be waiting for has happened. Cheap; spurious calls are harmless. */
  wake(flowId: string): void
  /** Wakes every flow whose subject starts with this prefix ('' for all). */
  wakeSubjects(prefix: string): void
  /** Resolves when the flow has ended, with its outcome. */
  ended(flowId: string): Promise<string>
}
