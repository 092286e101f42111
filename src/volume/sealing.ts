import type { Clock, Timer } from '#host/clock.ts'
import { RECOVERY_MS, STRAGGLER_MS } from './limits.ts'
import type { MemberViews } from './member-view.ts'

/** When a head has heard enough members: once all have sealed, or enough, and the others have had a moment more. */
export class Sealing {
  private readonly clock: Clock
  private readonly views: MemberViews
  private readonly parts: { readonly count: number; readonly done: () => void }
  private straggling: Timer | undefined
  private isOver = false

  /** `done`, once: now is the time to choose among those that have sealed, which are `count` or more. */
  constructor(clock: Clock, views: MemberViews, parts: { readonly count: number; readonly done: () => void }) {
    this.clock = clock
    this.views = views
    this.parts = parts
  }

  /** Another one has sealed. */
  look(): void {
    if (this.isOver || !this.isEnough()) return
    if (this.views.all.every(({ isSealed }) => isSealed)) return this.finish()
    this.straggling ??= this.clock.after(STRAGGLER_MS, () => {
      this.straggling = undefined
      // One of them may have gone meanwhile.
      if (this.isEnough()) this.finish()
    })
  }

  end(): void {
    this.isOver = true
    this.straggling?.cancel()
  }

  private isEnough(): boolean {
    return this.views.isQuorum(this.parts.count, ({ isSealed }) => isSealed)
  }

  private finish(): void {
    this.end()
    this.parts.done()
  }
}

/** `stuck` when, for a while, no member got more of the log that was chosen: nobody may be left who has it. */
export function watchRecovery(clock: Clock, views: MemberViews, parts: { isOver(): boolean; stuck(): void }): void {
  const had = views.got
  clock.after(RECOVERY_MS, () => {
    if (parts.isOver()) return
    if (views.got === had) parts.stuck()
    else watchRecovery(clock, views, parts)
  })
}
