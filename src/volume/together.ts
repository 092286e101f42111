import type { Epoch } from '#wire/quorum/messages.ts'
import type { SessionId } from './ports.ts'

type Run = (session: SessionId, epoch: Epoch) => void

/** Does something once at the end of a turn, however often one session of an epoch has asked for it in that turn. */
export class Together {
  private readonly defer: (run: () => void) => void
  private readonly run: Run
  private asked: { readonly session: SessionId; readonly epoch: Epoch } | undefined

  constructor(defer: (run: () => void) => void, run: Run) {
    this.defer = defer
    this.run = run
  }

  ask(session: SessionId, epoch: Epoch): void {
    if (this.asked?.session === session && this.asked.epoch === epoch) return
    const asked = (this.asked = { session, epoch })
    this.defer(() => {
      if (this.asked === asked) this.asked = undefined
      this.run(session, epoch)
    })
  }
}
