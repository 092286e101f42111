/** What serve and an agent say of serverless instances, whose capacity the agent has follow their load. */

/** In ACUs. `scaled`: settings that follow the capacity while the engine runs, and stand in the place of those of the spec. */
export interface ServerlessTerms {
  readonly minAcu: number
  readonly maxAcu: number
  /** By name: the formula over the capacity's memory, and the range that its results are moved into. */
  readonly scaled: Readonly<Record<string, { readonly formula: string; readonly min: number; readonly max: number }>>
}

export interface ServerlessQuestions {
  /** The instance has no less than this for so long, as far as its largest capacity allows. Not kept. */
  'instance.capacity-floor': { input: { id: string; acu: number; forMs: number }; answer: Record<never, never> }
  /** Connections of clients that its engine has now; `undefined`: that cannot be seen. */
  'instance.connections': { input: { id: string }; answer: { count: number | undefined } }
}
