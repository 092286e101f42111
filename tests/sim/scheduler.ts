/** Virtual time on one thread: a heap of what is due, run in order of time, and of asking where times are the same. */
import type { Clock, Timer } from '#host/clock.ts'

interface Due extends Timer {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

/** What one event may ask for: more means that it never ends. */
const ASKED_MAX = 20_000

export class Scheduler {
  private at = 0
  private order = 0
  private ran = 0
  private asked = 0
  private readonly heap: Due[] = []

  /** Virtual milliseconds since the simulation began. */
  get now(): number {
    return this.at
  }

  /** How many were run so far. */
  get events(): number {
    return this.ran
  }

  after(delayMs: number, run: () => void): Timer {
    if (++this.asked > ASKED_MAX) throw new Error('one event has no end')
    const due: Due = {
      at: this.at + (delayMs > 0 ? delayMs : 0),
      order: this.order++,
      run,
      cancel() {
        this.run = undefined
      },
    }
    this.push(due)
    return due
  }

  /** Runs everything that falls due before `until`, and what that asks for. Stops early where `isOver` says so. */
  runUntil(until: number, isOver: () => boolean = () => false): void {
    while (this.heap.length > 0 && this.heap[0]!.at <= until && !isOver()) {
      const due = this.pop()
      const { run } = due
      if (run === undefined) continue
      due.run = undefined
      this.at = due.at
      this.ran++
      this.asked = 0
      run()
    }
    if (!isOver()) this.at = until
  }

  private push(due: Due): void {
    const { heap } = this
    let at = heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (isBefore(heap[parent]!, due)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = due
  }

  private pop(): Due {
    const { heap } = this
    const first = heap[0]!
    const last = heap.pop()!
    const { length } = heap
    if (length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (isBefore(last, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

const isBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/**
 * What ends as a whole and can be stopped for a while: whatever comes to one that is stopped, timers and messages, waits
 * in the order in which it came, as in the kernel's buffers. An error in what it runs is a bug in the code under test.
 */
export class SimulatedProcess {
  readonly name: string
  readonly clock: Clock
  private readonly scheduler: Scheduler
  private readonly onError: (process: SimulatedProcess, error: Error) => void
  private backlog: (() => void)[] | undefined
  private isAlive = true

  constructor(name: string, scheduler: Scheduler, onError: (process: SimulatedProcess, error: Error) => void) {
    this.name = name
    this.scheduler = scheduler
    this.onError = onError
    this.clock = {
      now: () => scheduler.now,
      monotonic: () => scheduler.now,
      after: (delayMs, run) => this.after(delayMs, run),
      sleep: () => {
        throw new Error('decisions do not wait for promises')
      },
    }
  }

  get alive(): boolean {
    return this.isAlive
  }

  get stopped(): boolean {
    return this.backlog !== undefined
  }

  /** Now, or when it goes on; never where it has ended. */
  run(work: () => void): void {
    if (!this.isAlive) return
    if (this.backlog !== undefined) {
      this.backlog.push(work)
      return
    }
    try {
      work()
    } catch (error) {
      this.onError(this, error as Error)
    }
  }

  after(delayMs: number, run: () => void): Timer {
    let isCancelled = false
    const timer = this.scheduler.after(delayMs, () =>
      this.run(() => {
        // It may have been cancelled while this process was stopped.
        if (!isCancelled) run()
      }),
    )
    return {
      cancel() {
        isCancelled = true
        timer.cancel()
      },
    }
  }

  stop(): void {
    if (this.isAlive) this.backlog ??= []
  }

  resume(): void {
    const { backlog } = this
    this.backlog = undefined
    for (const work of backlog ?? []) this.run(work)
  }

  end(): void {
    this.isAlive = false
    this.backlog = undefined
  }
}
