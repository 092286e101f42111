import { CompactedError, type Change, type Revision, type Watch } from '../store.ts'
import { HISTORY_CHANGES_MAX, HISTORY_LENGTH_MAX } from '../limits.ts'

interface Watcher {
  readonly prefix: string
  readonly onChanges: (changes: readonly Change[]) => void
  /** Everything up to this revision has been seen, or was before the watch began. */
  seen: Revision
}

interface Batch {
  readonly changes: readonly Change[]
  readonly length: number
}

/**
 * The last commits, and who wants to hear of them. Watchers are called in a microtask after the commit, never inside
 * it: one that commits itself would otherwise show its own change to others before the one that caused it.
 */
export class ChangeFeed {
  /** `batches[0]` holds the changes of revision `first`; there is one batch for each revision since. */
  private batches: Batch[] = []
  private first: Revision
  private changeCount = 0
  private length = 0
  private readonly watchers = new Set<Watcher>()
  private draining = false

  constructor(revision: Revision) {
    this.first = revision + 1
  }

  /** Adds the changes of the next revision. */
  add(changes: readonly Change[]): void {
    const length = changes.reduce((sum, c) => sum + c.key.length + (c.value?.length ?? 0), 0)
    this.batches.push({ changes, length })
    this.changeCount += changes.length
    this.length += length
    this.drainSoon()
  }

  watch(prefix: string, after: Revision, onChanges: Watcher['onChanges']): Watch {
    if (after + 1 < this.first) {
      throw new CompactedError(`changes after revision ${after} are forgotten: the oldest kept is ${this.first}`)
    }
    const watcher: Watcher = { prefix, onChanges, seen: after }
    this.watchers.add(watcher)
    this.drainSoon()
    return { close: () => void this.watchers.delete(watcher) }
  }

  close(): void {
    this.watchers.clear()
  }

  private drainSoon(): void {
    if (this.draining) return
    this.draining = true
    queueMicrotask(() => {
      this.draining = false
      this.drain()
    })
  }

  private drain(): void {
    const last = this.first + this.batches.length - 1
    for (const watcher of this.watchers) {
      for (let at = watcher.seen + 1; at <= last; at++) {
        // Before the call: a watcher that throws has still seen it, and one that closes itself must see no more.
        watcher.seen = at
        const changes = this.batches[at - this.first]!.changes.filter((c) => c.key.startsWith(watcher.prefix))
        if (changes.length > 0) watcher.onChanges(changes)
        if (!this.watchers.has(watcher)) break
      }
    }
    this.trim()
  }

  /** Only after everybody has seen everything, so that a burst of commits cannot outrun a watcher. */
  private trim(): void {
    if (this.changeCount <= HISTORY_CHANGES_MAX && this.length <= HISTORY_LENGTH_MAX) return
    let drop = 0
    while (
      drop < this.batches.length &&
      (this.changeCount > HISTORY_CHANGES_MAX / 2 || this.length > HISTORY_LENGTH_MAX / 2)
    ) {
      const batch = this.batches[drop++]!
      this.changeCount -= batch.changes.length
      this.length -= batch.length
    }
    this.batches = this.batches.slice(drop)
    this.first += drop
  }
}
