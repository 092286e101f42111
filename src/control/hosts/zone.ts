import { Trouble } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { FromAgent, ObservedInstance, ToAgent } from '#wire/agent/messages.ts'
import { Pending } from '#wire/agent/pending.ts'
import type { HostReport } from '../hosts.ts'
import { CONNECT_PATIENCE_MS, DISMISS_MS, LAUNCH_PAUSES_MS, REPLY_PATIENCE_MS, REQUESTS_MAX } from './limits.ts'

/** A stream to an agent that has said who it is. */
export interface AgentStream {
  readonly pid: number
  send(message: ToAgent): void
  close(): void
}

export interface ZoneOptions {
  readonly zone: string
  readonly clock: Clock
  readonly log: Log
  readonly launch: (zone: string) => Promise<void>
  readonly onReport: (report: HostReport) => void
}

/** A request before it gets its number. */
export type Request = ToAgent extends infer M ? (M extends { readonly seq: number } ? Omit<M, 'seq'> : never) : never

type Report = Exclude<FromAgent, { type: 'hello' }>

/** One availability zone as serve sees it: its agent's connection, if there is one, and what the agent last said. */
export class Zone {
  readonly observed = new Map<string, ObservedInstance>()
  private readonly options: ZoneOptions
  private readonly pending = new Pending()
  private stream: AgentStream | undefined
  private connected = expectation()
  private readonly lost = new Set<() => void>()
  /** Somebody has needed this zone: its agent is kept running. */
  private needed = false
  private closing = false
  private launches = 0
  private relaunch: Timer | undefined
  private dismissal: Timer | undefined
  /** The last thing said to the agent was that it may go. */
  private dismissed = false

  constructor(options: ZoneOptions) {
    this.options = options
  }

  get agentPid(): number | undefined {
    return this.stream?.pid
  }

  /** Starts the agent unless it is there. */
  rouse(): void {
    this.needed = true
    if (!this.stream && !this.relaunch) this.launchNow()
  }

  /** The reply. Throws a retryable Trouble when there is none in time, or the agent refuses. */
  async request(request: Request): Promise<unknown> {
    this.rouse()
    const stream =
      this.stream ?? (await this.within(CONNECT_PATIENCE_MS, this.connected.promise, 'has not started in time'))
    if (this.pending.size >= REQUESTS_MAX) throw this.trouble('has too many requests to answer')
    const { seq, reply } = this.pending.open()
    stream.send({ ...request, seq } as ToAgent)
    this.touch()
    return this.within(REPLY_PATIENCE_MS, reply, 'does not answer', () =>
      this.pending.reject(seq, this.trouble('is late')),
    )
  }

  /** A new connection of this zone's agent; an older one is a dead one that nobody has noticed yet. */
  attach(stream: AgentStream, instances: readonly ObservedInstance[]): void {
    const { zone, log } = this.options
    if (this.stream) this.detach(this.stream)
    this.relaunch?.cancel()
    this.relaunch = undefined
    this.launches = 0
    this.stream = stream
    log.info({ zone, pid: stream.pid, instances: instances.length }, 'agent connected')
    const before = new Map(this.observed)
    this.observed.clear()
    for (const instance of instances) this.observed.set(instance.id, instance)
    this.connected.resolve(stream)
    this.options.onReport({ type: 'connected', zone })
    for (const instance of instances) {
      this.options.onReport({ type: 'observed', zone, instance, before: before.get(instance.id) })
    }
    this.touch()
  }

  /** The stream has ended. */
  detach(stream: AgentStream): void {
    if (this.stream !== stream) return
    this.stream = undefined
    this.connected = expectation()
    this.dismissal?.cancel()
    stream.close()
    this.options.log.info({ zone: this.options.zone, pid: stream.pid }, 'agent disconnected')
    this.pending.rejectAll(this.trouble('went away'))
    for (const tell of this.lost) tell()
    this.lost.clear()
    if (this.dismissed) this.needed = false
    if (this.needed) this.launchLater()
  }

  /** Whoever is there does not answer, and counts as gone. */
  hangUp(): void {
    if (this.stream) this.detach(this.stream)
  }

  receive(message: Report): void {
    this.handle(message)
    this.touch()
  }

  private handle(message: Report): void {
    const { zone, onReport } = this.options
    switch (message.type) {
      case 'reply':
        return this.pending.resolve(message.to, message.value)
      case 'refusal':
        return this.pending.reject(message.to, this.trouble(`refused: ${message.message}`))
      case 'job':
        return onReport({ type: 'job', zone, jobId: message.jobId, view: message.view })
      case 'observed': {
        const { instance } = message
        const before = this.observed.get(instance.id)
        this.observed.set(instance.id, instance)
        return onReport({ type: 'observed', zone, instance, before })
      }
      case 'log-node':
        return onReport({ type: 'log-node', zone })
      case 'gone':
        this.observed.delete(message.id)
        return
      default:
        message satisfies never
    }
  }

  /** Starts no agent any more. */
  retire(): void {
    this.closing = true
    this.relaunch?.cancel()
    this.dismissal?.cancel()
  }

  /** Asks the agent to stop its engines and end; resolves when it has. */
  async shutDown(): Promise<void> {
    this.retire()
    const stream = this.stream
    if (!stream) return
    const gone = new Promise<void>((resolve) => this.lost.add(resolve))
    stream.send({ type: 'shut-down' })
    await gone
  }

  /** Counts the time in which nobody needs the agent. A busy agent ignores its dismissal, and is given another. */
  private touch(): void {
    this.dismissed = false
    this.dismissal?.cancel()
    this.dismissal = undefined
    if (this.closing || !this.stream || this.observed.size > 0 || this.pending.size > 0) return
    this.dismissal = this.options.clock.after(DISMISS_MS, () => {
      this.stream?.send({ type: 'dismiss' })
      this.touch()
      this.dismissed = true
    })
  }

  close(): void {
    this.retire()
    if (this.stream) this.detach(this.stream)
    this.connected.reject(this.trouble('is not asked any more'))
  }

  private launchNow(): void {
    if (this.closing) return
    const { zone, launch, log } = this.options
    // An agent that is alive but not connected keeps the newcomer out, so one too many does no harm.
    launch(zone).catch((error: unknown) => log.error({ zone, error }, 'the agent cannot be started'))
    this.launches = Math.max(this.launches, 1)
    this.launchLater()
  }

  private launchLater(): void {
    if (this.closing) return
    const pause = LAUNCH_PAUSES_MS[Math.min(this.launches++, LAUNCH_PAUSES_MS.length - 1)]!
    this.relaunch?.cancel()
    this.relaunch = this.options.clock.after(pause, () => this.launchNow())
  }

  private async within<T>(patienceMs: number, promise: Promise<T>, complaint: string, onLate?: () => void): Promise<T> {
    const late = Promise.withResolvers<never>()
    const timer = this.options.clock.after(patienceMs, () => {
      onLate?.()
      late.reject(this.trouble(complaint))
    })
    try {
      return await Promise.race([promise, late.promise])
    } finally {
      timer.cancel()
    }
  }

  private trouble(what: string): Trouble {
    return new Trouble(`the agent of zone ${this.options.zone} ${what}`, { culprit: 'peer', retryable: true })
  }
}

/** Of a connection. Nobody may be waiting for it when it fails. */
function expectation(): PromiseWithResolvers<AgentStream> {
  const connected = Promise.withResolvers<AgentStream>()
  connected.promise.catch(() => {})
  return connected
}
