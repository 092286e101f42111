/** A broken invariant is a bug in Holdfast: the process that finds one must not go on with the state it has. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Throws {@link InvariantError} unless `condition` holds. `what` says what must be true, as a statement. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant broken: ${what}`)
}
