import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import { STEP_RUN_MS_MAX, STEPS_AT_ONCE_MAX } from '../limits.ts'
import { DueQueue } from './due-queue.ts'
import type { Verdict } from './stepper.ts'
import type { Task } from './task.ts'

export interface SchedulerParts {
  readonly clock: Clock
  readonly log: Log
  /** Runs the task's step once. Must not throw, but for a broken invariant. */
  readonly advance: (task: Task) => Promise<Verdict>
  /** The flow has ended, or (without an outcome) another took its subject. */
  readonly onEnded: (task: Task, outcome: string | undefined) => void
  readonly onUnclaimed: () => void
}

/**
 * Decides which flow runs when: a bounded number at once, never two of one subject, sleepers by one timer for the
 * earliest of them. Knows neither the store nor what a step does.
 */
export class Scheduler {
  private readonly parts: SchedulerParts
  private readonly tasks = new Map<string, Task>()
  private readonly ready = new Set<Task>()
  /** Tasks that are ready but whose subject another flow's running step has. */
  private readonly blocked = new Map<string, Set<Task>>()
  private readonly running = new Map<string, Task>()
  private readonly sleeping = new DueQueue<Task>()
  private timer: { readonly at: number; readonly timer: Timer } | undefined
  private mayRun = false
  private onIdle: (() => void) | undefined

  constructor(parts: SchedulerParts) {
    this.parts = parts
  }

  get(flowId: string): Task | undefined {
    return this.tasks.get(flowId)
  }

  add(task: Task): void {
    this.tasks.set(task.row.id, task)
    this.makeReady(task)
  }

  /** Forgets a task that is not running. */
  remove(task: Task): void {
    this.tasks.delete(task.row.id)
    this.ready.delete(task)
    this.blocked.get(task.row.subject)?.delete(task)
    this.sleeping.delete(task)
  }

  wake(task: Task): void {
    if (task.state === 'running') task.woken = true
    else if (task.state === 'sleeping' && task.isWakeable) this.makeReady(task)
  }

  wakeSubjects(prefix: string): void {
    for (const task of this.tasks.values()) if (task.row.subject.startsWith(prefix)) this.wake(task)
  }

  /** Looks at the task's step now, whatever it slept for. */
  makeReady(task: Task): void {
    this.sleeping.delete(task)
    task.state = 'ready'
    this.ready.add(task)
    this.pump()
  }

  /** Lets flows run. */
  resume(): void {
    this.mayRun = true
    this.pump()
    this.setTimer()
  }

  /** Starts no further step. Resolves when none is running. */
  async pause(): Promise<void> {
    this.mayRun = false
    this.timer?.timer.cancel()
    this.timer = undefined
    if (this.running.size > 0) await new Promise<void>((resolve) => (this.onIdle = resolve))
  }

  /** Complains about steps that have been running for too long. Cheap: only running ones are looked at. */
  checkRunning(): void {
    const now = this.parts.clock.monotonic()
    for (const { row, runningSince } of this.running.values()) {
      const forMs = now - runningSince
      if (forMs < STEP_RUN_MS_MAX) continue
      this.parts.log.error(
        { flow: row.id, flowName: row.name, subject: row.subject, step: row.step, forMs },
        'a step hangs',
      )
    }
  }

  private pump(): void {
    while (this.mayRun && this.running.size < STEPS_AT_ONCE_MAX) {
      const [task] = this.ready
      if (!task) return
      this.ready.delete(task)
      const { subject } = task.row
      if (!this.running.has(subject)) {
        void this.drive(task)
        continue
      }
      const blocked = this.blocked.get(subject)
      if (blocked) blocked.add(task)
      else this.blocked.set(subject, new Set([task]))
    }
  }

  /** Runs steps of one flow until it has to wait. A broken invariant in here is unhandled, and ends the process. */
  private async drive(task: Task): Promise<void> {
    task.state = 'running'
    this.running.set(task.row.subject, task)
    let verdict: Verdict
    do {
      verdict = await this.parts.advance(task)
      if (verdict.is === 'sleep' && this.mustLookAgain(task, verdict.isWakeable)) verdict = { is: 'again' }
    } while (verdict.is === 'again' && this.mayRun)
    this.running.delete(task.row.subject)
    this.follow(task, verdict)
    for (const other of this.blocked.get(task.row.subject) ?? []) this.ready.add(other)
    this.blocked.delete(task.row.subject)
    this.pump()
    if (this.running.size === 0) this.onIdle?.()
  }

  /** Something happened while the step ran that it may not have seen. */
  private mustLookAgain(task: Task, isWakeable: boolean): boolean {
    if (task.seenRevision > task.revision) task.isStale = true
    return isWakeable && (task.woken || task.isStale)
  }

  private follow(task: Task, verdict: Verdict): void {
    switch (verdict.is) {
      case 'sleep':
        this.sleep(task, verdict.ms, verdict.isWakeable)
        break
      case 'ended':
      case 'gone':
        this.remove(task)
        this.parts.onEnded(task, verdict.is === 'ended' ? verdict.outcome : undefined)
        break
      case 'unclaimed':
        this.mayRun = false
        this.keepReady(task)
        this.parts.onUnclaimed()
        break
      case 'again':
        this.keepReady(task)
        break
    }
  }

  private keepReady(task: Task): void {
    task.state = 'ready'
    this.ready.add(task)
  }

  private sleep(task: Task, ms: number, isWakeable: boolean): void {
    task.state = 'sleeping'
    task.isWakeable = isWakeable
    this.sleeping.set(task, this.parts.clock.monotonic() + ms)
    this.setTimer()
  }

  private setTimer(): void {
    const at = this.sleeping.earliest
    // A timer that comes too early is harmless, and cheaper than a new one for each sleeper that was woken.
    if (at === undefined || !this.mayRun || (this.timer && this.timer.at <= at)) return
    this.timer?.timer.cancel()
    const timer = this.parts.clock.after(at - this.parts.clock.monotonic(), () => {
      this.timer = undefined
      for (const task of this.sleeping.take(this.parts.clock.monotonic())) this.makeReady(task)
      this.setTimer()
    })
    this.timer = { at, timer }
  }
}
