/** What happened in one simulation, as seen from outside of the code under test. Checkers see nothing else. */

/** Positions are bytes since the beginning of the log, times virtual milliseconds. */
export type Happened =
  /** Somebody took this epoch in the store. */
  | { readonly type: 'taken'; readonly at: number; readonly epoch: number }
  /** A writer was promoted: all before `start` came from the members, what follows is its own. */
  | {
      readonly type: 'promoted'
      readonly at: number
      readonly epoch: number
      readonly start: number
      readonly log: Buffer
    }
  /** A client was told that its commit is durable. */
  | {
      readonly type: 'acknowledged'
      readonly at: number
      readonly epoch: number
      readonly end: number
      readonly record: Buffer
    }
  /** What a head gave as durable. */
  | {
      readonly type: 'durable'
      readonly at: number
      readonly epoch: number
      readonly head: string
      readonly position: number
    }
  /** Clients are let in. */
  | { readonly type: 'opened'; readonly at: number; readonly epoch: number }
  /** A client of the writer was shown everything before this. */
  | { readonly type: 'shown'; readonly at: number; readonly epoch: number; readonly end: number }
  /** The writer is no more. */
  | { readonly type: 'ended'; readonly at: number; readonly epoch: number }
  /** A reader's own log goes another way than that of its member. */
  | { readonly type: 'diverged'; readonly at: number; readonly reader: string; readonly end: number }
  /** The code under test found itself broken. */
  | { readonly type: 'broken'; readonly at: number; readonly process: string; readonly error: Error }

/** What was there once the faults had stopped and everybody had had time. */
export interface FinalState {
  /** Where the volume begins; before it logs have zeros. */
  readonly start: number
  /** The last writer, where there is one that clients may use. */
  readonly writer: { readonly epoch: number; readonly log: Buffer; readonly durable: number } | undefined
  readonly copies: readonly Copy[]
  /** Everything that was ever fed to readers. */
  readonly readers: readonly { readonly name: string; readonly log: Buffer }[]
}

export interface Copy {
  readonly member: string
  readonly end: number
  /** Where its log begins. */
  readonly first: number
  /** From `first` on, as its readers are served; undefined: it could not be read. */
  readonly log: Buffer | undefined
}

export class History {
  readonly events: Happened[] = []

  add(event: Happened): void {
    this.events.push(event)
  }
}
