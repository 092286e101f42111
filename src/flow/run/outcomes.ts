import { OUTCOMES_KEPT_MAX } from '../limits.ts'

/** How flows ended, and who waits to hear it. */
export class Outcomes {
  private readonly kept = new Map<string, string>()
  private readonly waiting = new Map<string, ((outcome: string) => void)[]>()

  of(flowId: string): string | undefined {
    return this.kept.get(flowId)
  }

  settle(flowId: string, outcome: string): void {
    this.kept.set(flowId, outcome)
    // A map iterates in order of insertion: the first key is the oldest.
    if (this.kept.size > OUTCOMES_KEPT_MAX) this.kept.delete(this.kept.keys().next().value!)
    this.tell(flowId, outcome)
  }

  /** Answers those who wait for a flow that nobody knows. */
  tell(flowId: string, outcome: string): void {
    const waiting = this.waiting.get(flowId) ?? []
    this.waiting.delete(flowId)
    for (const resolve of waiting) resolve(outcome)
  }

  wait(flowId: string): Promise<string> {
    return new Promise((resolve) => {
      const waiting = this.waiting.get(flowId)
      if (waiting) waiting.push(resolve)
      else this.waiting.set(flowId, [resolve])
    })
  }
}
