/**
 * What clients did: all that a checker is given. `ok`: the database said that it is done. `fail`: it certainly did not
 * happen. `unknown`: it may or may not have happened, such as a commit whose answer never came.
 */
export type Outcome = 'ok' | 'fail' | 'unknown'

export interface Operation<T> {
  /** The client; it does one thing at a time. */
  readonly process: number
  readonly outcome: Outcome
  readonly value: T
  /** Places in the order of all beginnings and ends of the history: `a.ended < b.began` is that a came before b. */
  readonly began: number
  readonly ended: number
}

export class History<T> {
  readonly operations: Operation<T>[] = []
  private moments = 0
  private readonly counts: Record<Outcome, number> = { ok: 0, fail: 0, unknown: 0 }

  /** Call when the first byte may go out; the function that it gives, when the outcome is known. */
  begin(process: number): (outcome: Outcome, value: T) => void {
    const began = this.moments++
    return (outcome, value) => {
      this.counts[outcome]++
      this.operations.push({ process, outcome, value, began, ended: this.moments++ })
    }
  }

  count(outcome: Outcome): number {
    return this.counts[outcome]
  }
}
