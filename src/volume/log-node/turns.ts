/** One thing at a time about each subject, in the order in which they were asked for. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>()

  run<T>(subject: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(subject) ?? Promise.resolve()
    const turn = before.then(work, work)
    const settled = turn.then(
      () => {},
      () => {},
    )
    this.last.set(subject, settled)
    void settled.then(() => {
      if (this.last.get(subject) === settled) this.last.delete(subject)
    })
    return turn
  }
}
