/**
 * The heads beside this host's writers: each runs as long as its writer's engine does, is started again in the same epoch
 * when it dies alone, and ends the engine when it is fenced. An engine without its head serves reads, and commits wait.
 */
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { EpochStarted, HeadTerms, ObservedVolume } from '#wire/agent/volume.ts'
import type { HeadSpec, HeadStatus, ToHead } from '#wire/head/messages.ts'
import type { HeadProcess, HeadProcesses } from './head-process.ts'
import { JobFailure } from './job/failure.ts'
import { HEAD_PAUSES_MS } from './limits.ts'
import type { Instance } from './supervisor/instance.ts'

export interface HeadsOptions {
  readonly processes: HeadProcesses
  readonly clock: Clock
  readonly log: Log
}

export class Heads {
  private readonly options: HeadsOptions
  private readonly kept = new Map<string, KeptHead>()
  /** Ends that are under way: the next head waits for them. */
  private readonly endings = new Map<string, Promise<void>>()
  /** Instances whose engine is about to run. */
  private readonly early = new Set<string>()
  private isOver = false

  constructor(options: HeadsOptions) {
    this.options = options
  }

  /** Called whenever something has changed about an instance. */
  look(instance: Instance): void {
    const { id } = instance
    const kept = this.kept.get(id)
    const epoch = instance.alive || this.early.has(id) ? termsOf(instance)?.epoch : undefined
    if (kept && kept.epoch === epoch) return kept.look()
    if (kept) void this.drop(id)
    if (epoch === undefined || this.isOver) return
    const next = new KeptHead(instance, { ...this.options, epoch, before: this.endings.get(id) })
    this.kept.set(id, next)
    next.look()
  }

  /** While this starts the engine its head comes up, and recovers the log: neither needs the other for that. */
  async beside(instance: Instance, start: () => Promise<void>): Promise<void> {
    this.early.add(instance.id)
    this.look(instance)
    try {
      await start()
    } finally {
      this.early.delete(instance.id)
      this.look(instance)
    }
    // Fenced while there was no engine yet that could be ended.
    if (this.kept.get(instance.id)?.phase === 'fenced') instance.cutDown()
  }

  /** The head of the epoch that the instance leads, or is to. */
  of(instance: Instance): KeptHead {
    this.look(instance)
    const kept = this.kept.get(instance.id)
    if (!kept) throw new JobFailure('failed', 'The engine of the writer does not run.')
    return kept
  }

  /** What the head of the instance has said last; undefined: there is none, or it has not spoken. */
  statusOf(id: string): HeadStatus | undefined {
    return this.kept.get(id)?.said
  }

  /** There is to be no head: the instance is gone, or is no writer any more. Resolves when none is left. */
  drop(id: string): Promise<void> {
    this.kept.get(id)?.stop()
    this.kept.delete(id)
    const ending = this.finish(id, this.endings.get(id)).finally(() => {
      if (this.endings.get(id) === ending) this.endings.delete(id)
    })
    this.endings.set(id, ending)
    return ending
  }

  /** Listens to none any more; they go on. */
  leave(): void {
    this.isOver = true
    for (const kept of this.kept.values()) kept.stop()
    this.kept.clear()
  }

  /** All engines have ended. Resolves when no head is left. */
  async end(): Promise<void> {
    this.isOver = true
    for (const id of this.kept.keys()) void this.drop(id)
    await Promise.all(this.endings.values())
  }

  private async finish(id: string, before: Promise<void> | undefined): Promise<void> {
    await before
    try {
      await this.options.processes.end(id)
    } catch (error) {
      this.options.log.error({ instance: id, error }, 'a head could not be ended')
    }
  }
}

const termsOf = ({ spec: { volume } }: Instance): HeadTerms | undefined =>
  volume?.role === 'writer' ? volume.head : undefined

interface KeptHeadOptions extends HeadsOptions {
  readonly epoch: number
  /** The end of the instance's last head. */
  readonly before: Promise<void> | undefined
}

/** The head of one epoch, over all its lives. */
export class KeptHead {
  readonly epoch: number
  private readonly instance: Instance
  private readonly options: KeptHeadOptions
  private readonly stopping = new AbortController()
  private readonly waiting = new Set<() => void>()
  private process: HeadProcess | undefined
  private status: HeadStatus | undefined
  /** Whether nobody sees what the reader has beyond the durable point. */
  private isReleased = false
  /** Where the engine began to write the epoch, once it did. */
  private started: EpochStarted | undefined
  private readonly told = new Set<string>()

  constructor(instance: Instance, options: KeptHeadOptions) {
    this.instance = instance
    this.epoch = options.epoch
    this.options = options
    void this.keep()
  }

  get phase(): HeadStatus['phase'] | undefined {
    return this.status?.phase
  }

  /** What it has said last. */
  get said(): HeadStatus | undefined {
    return this.status
  }

  /** Something may have changed that the head has to know. */
  look(): void {
    this.saw(this.instance.observed().volume)
    this.tell()
  }

  /** Nobody is in any more: the reader may have all of the recovered log. */
  release(): void {
    this.isReleased = true
    this.tell()
  }

  /** The engine writes the epoch's timeline. */
  promoted(started: EpochStarted): void {
    this.started = started
    this.tell()
  }

  /** Resolves with what the head has said once that is so. Throws `fenced` when it is fenced, `failed` when the engine ends. */
  async until(isSo: (status: HeadStatus) => boolean, signal: AbortSignal): Promise<HeadStatus> {
    for (;;) {
      signal.throwIfAborted()
      this.requireForce()
      const { status } = this
      if (status && isSo(status)) return status
      await this.changed(signal)
    }
  }

  /** Throws when the epoch is over for this writer. */
  requireForce(): void {
    const { status } = this
    if (status?.phase === 'fenced') throw new JobFailure('fenced', `The epoch is over: ${status.reason ?? 'fenced'}.`)
    if (this.stopping.signal.aborted || !this.instance.alive)
      throw new JobFailure('failed', 'The engine ended before its epoch was open.')
  }

  stop(): void {
    this.stopping.abort()
    this.process?.leave()
    this.wake()
  }

  private async keep(): Promise<void> {
    const { clock, log, before } = this.options
    const { signal } = this.stopping
    const about = { instance: this.instance.id, epoch: this.epoch }
    await before
    for (let lives = 0; !signal.aborted && this.phase !== 'fenced'; lives++) {
      try {
        if (lives > 0) await clock.sleep(HEAD_PAUSES_MS[Math.min(lives, HEAD_PAUSES_MS.length) - 1]!, signal)
        await this.live()
        if (!signal.aborted) log.warn(about, 'a head has ended')
      } catch (error) {
        if (signal.aborted) return
        log.warn({ ...about, error }, 'a head cannot be started')
      }
    }
  }

  private async live(): Promise<void> {
    const { signal } = this.stopping
    const process = await this.options.processes.run(this.instance.id, await this.spec(), signal)
    if (signal.aborted) return process.leave()
    this.process = process
    this.told.clear()
    process.onStatus((status) => this.heard(status))
    await process.ended
    this.process = undefined
    // The next one finds out anew what there is.
    if (this.phase !== 'fenced') this.status = undefined
  }

  private heard(status: HeadStatus): void {
    if (this.stopping.signal.aborted || this.phase === 'fenced') return
    this.status = status
    if (status.phase === 'fenced') {
      const { id } = this.instance
      this.options.log.warn({ instance: id, epoch: this.epoch, reason: status.reason }, 'a writer is fenced, and ends')
      // Whatever it is doing: others may have begun another epoch, and its clients must not see this one any more.
      this.instance.cutDown()
    }
    this.tell()
    this.wake()
  }

  /** Each once a life of the head, and when it changes. */
  private tell(): void {
    const terms = termsOf(this.instance)
    const { process, status } = this
    if (!process || !status || !terms || terms.epoch !== this.epoch || status.phase === 'fenced') return
    const { configuration, places, tls } = terms
    const messages: ToHead[] = [
      { type: 'certify', tls },
      { type: 'reconfigure', configuration, places },
    ]
    if (this.isReleased) messages.push({ type: 'release', reader: this.instance.spec.volume!.name })
    if (this.started && status.recoveredEnd !== undefined) messages.push({ type: 'attach' })
    for (const message of messages) {
      const text = JSON.stringify(message)
      if (this.told.has(text)) continue
      this.told.add(text)
      process.tell(message)
    }
  }

  private saw(volume: ObservedVolume | undefined): void {
    if (volume?.isWriter && volume.epoch === this.epoch) this.started ??= volume.started
  }

  private async spec(): Promise<HeadSpec> {
    const { driver, folder, spec } = this.instance
    const terms = termsOf(this.instance)
    const writer = await driver.onVolume.headLogin(folder, spec)
    // A head that comes after the promotion has to know, so an engine that cannot be asked has to wait for its head. One
    // that does not run yet comes up as a reader.
    const { alive } = this.instance
    const seen = alive ? await driver.onVolume.observe(folder, spec) : undefined
    if (!spec.volume || !terms || (alive && !seen)) throw new Error('the engine of the writer does not answer')
    this.saw(seen)
    const { started } = this
    const { epoch, configuration, places, tls } = terms
    const volume = spec.volume.id
    return { volume, epoch, configuration, places, tls, writer, ...(started && { writerStart: started.start }) }
  }

  private changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.waiting.add(done)
      signal.addEventListener('abort', done)
    })
  }

  private wake(): void {
    for (const done of this.waiting) done()
  }
}
