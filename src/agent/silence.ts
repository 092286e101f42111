import type { Clock, Timer } from '#host/clock.ts'
import { LOGNODE_LOOK_MS, LOGNODE_MISSES_MAX, PUNCTUAL_MS } from './limits.ts'

interface SilenceParts {
  readonly clock: Clock
  /** Asks for a word. */
  readonly ask: () => void
  /** Several looks in a row there was none. */
  readonly silent: () => void
}

/** Notices when somebody says nothing any more, although asked: by looks, of which a process that itself stood still makes none. */
export class SilenceWatch {
  private readonly parts: SilenceParts
  private timer: Timer | undefined
  private hasSpoken = true
  private misses = 0

  constructor(parts: SilenceParts) {
    this.parts = parts
  }

  begin(): void {
    this.end()
    this.misses = 0
    this.hasSpoken = true
    this.later()
  }

  /** Whatever was said. */
  heard(): void {
    this.hasSpoken = true
  }

  end(): void {
    this.timer?.cancel()
    this.timer = undefined
  }

  private later(): void {
    const { clock, ask, silent } = this.parts
    const dueAt = clock.monotonic() + LOGNODE_LOOK_MS
    this.timer = clock.after(LOGNODE_LOOK_MS, () => {
      // What was said while this process was late may not have been read yet.
      const isPunctual = clock.monotonic() - dueAt <= PUNCTUAL_MS
      if (this.hasSpoken) this.misses = 0
      else if (isPunctual) this.misses++
      this.hasSpoken = false
      if (this.misses >= LOGNODE_MISSES_MAX) {
        this.end()
        return silent()
      }
      ask()
      this.later()
    })
  }
}
