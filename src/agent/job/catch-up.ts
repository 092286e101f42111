/** The job that brings a standby, out of the archive, to where its source has the log that follows. */
import { BrokenArchive, LogArchive } from '#archive/log-archive.ts'
import type { LogIndex } from '#archive/log-chain.ts'
import type { ObjectStore } from '#archive/object-store.ts'
import { isBeyond, wholeSegmentsFrom, type WholeSegment, type WholeSegments } from '#archive/whole-segments.ts'
import type { LogWanted, TimelineHistory } from '#engine/recovery.ts'
import type { Clock } from '#host/clock.ts'
import type { JobKinds } from '#wire/agent/messages.ts'
import { SEGMENT_BYTES } from '#wire/pg/lsn.ts'
import { CATCH_UP_AHEAD_SEGMENTS, CATCH_UP_IDLE_LOOKS_MAX, CATCH_UP_LOOK_MS, CATCH_UP_MS_MAX } from '../limits.ts'
import type { Instance } from '../supervisor/instance.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { JobFailure } from './failure.ts'
import type { JobRunners } from './job.ts'

export function catchUpJob(
  supervisor: Supervisor,
  objects: ObjectStore | undefined,
  clock: Clock,
): Pick<JobRunners, 'instance.catch-up'> {
  return {
    'instance.catch-up': async ({ id, prefix }, { signal, reached, progress }) => {
      const instance = supervisor.get(id)
      await instance.adopt()
      if (!instance.alive) throw new JobFailure('failed', 'The instance is not running.')
      await instance.ready(signal)
      if (!objects) throw broken('there is no archive')
      progress('applying archived log')
      const feeder = new Feeder({ instance, archive: new LogArchive(objects, prefix), clock }, () => reached('given'))
      const result = await feeder.feed(signal).catch((error: unknown) => {
        throw error instanceof BrokenArchive ? broken(error.message) : error
      })
      reached('fed')
      await instance.look()
      return { result }
    },
  }
}

const broken = (what: string): JobFailure => new JobFailure('backup-broken', `The replica cannot catch up: ${what}.`)

interface Parts {
  readonly instance: Instance
  readonly archive: LogArchive
  readonly clock: Clock
}

class Feeder {
  private readonly instance: Instance
  private readonly archive: LogArchive
  private readonly clock: Clock
  private readonly onGiven: () => void
  private readonly histories = new Map<number, TimelineHistory>()
  private planned: { index: LogIndex; plan: WholeSegments } | undefined
  /** End of what this job has given. */
  private end = 0n
  /** Looks in a row at which the standby had nothing to apply and the archive nothing to give. */
  private idleLooks = 0
  private receiverPid: number | undefined
  /** Where the standby was when the job began. */
  private from: bigint | undefined

  constructor({ instance, archive, clock }: Parts, onGiven: () => void) {
    this.onGiven = onGiven
    this.instance = instance
    this.archive = archive
    this.clock = clock
  }

  /** What has become of the standby. Others wait for the instance's turn, so it ends in time anyway. */
  async feed(signal: AbortSignal): Promise<JobKinds['instance.catch-up']['result']> {
    const until = this.clock.monotonic() + CATCH_UP_MS_MAX
    let isFurther = false
    while (this.clock.monotonic() < until) {
      signal.throwIfAborted()
      const wanted = await this.instance.driver.logWanted(this.instance.folder, false)
      const { receiverPid } = wanted
      this.from ??= wanted.lsn
      isFurther = wanted.lsn > this.from
      if (receiverPid !== undefined && receiverPid === this.receiverPid) return { isStreaming: true, isFurther }
      this.receiverPid = receiverPid
      // One that may be about to be refused is looked at again before anything is made of it.
      if (receiverPid === undefined && (await this.give(wanted))) continue
      if (this.idleLooks > CATCH_UP_IDLE_LOOKS_MAX) {
        if (!isFurther) throw new BrokenArchive(`${this.planned?.plan.missing ?? 'what follows'} is not in the archive`)
        // Its attempts to stream from where it was may have cost it its slot once more: control makes that again.
        break
      }
      await this.clock.sleep(CATCH_UP_LOOK_MS, signal)
    }
    return { isStreaming: false, isFurther }
  }

  /** Whether a segment was given. */
  private async give(wanted: LogWanted): Promise<boolean> {
    if (this.end - wanted.lsn >= BigInt(CATCH_UP_AHEAD_SEGMENTS * SEGMENT_BYTES)) return false
    const segment = this.next() ?? (wanted.isIdle ? await this.nextAnew(wanted) : undefined)
    if (segment) {
      await this.instance.driver.giveLog(
        this.instance.folder,
        await this.read(segment),
        await this.historiesTo(segment),
      )
      this.end = segment.start + BigInt(SEGMENT_BYTES)
      this.idleLooks = 0
      this.onGiven()
      return true
    }
    this.idleLooks = wanted.isIdle ? this.idleLooks + 1 : 0
    return false
  }

  private next(): WholeSegment | undefined {
    return this.planned?.plan.segments.find(({ start }) => start >= this.end)
  }

  /** More may have been archived meanwhile. */
  private async nextAnew(wanted: LogWanted): Promise<WholeSegment | undefined> {
    const index = await this.archive.index()
    const { driver, folder } = this.instance
    // It has diverged, or has gone to a later timeline and does not know it for certain yet.
    const exactly = isBeyond(index, wanted) ? await driver.logWanted(folder, true) : wanted
    this.planned = { index, plan: wholeSegmentsFrom(index, exactly) }
    return this.next()
  }

  private async read({
    timeline,
    start,
    links,
  }: WholeSegment): Promise<{ timeline: number; start: bigint; bytes: Buffer }> {
    const parts: Buffer[] = []
    for (const { portion, lsn, to } of links) {
      const bytes = await this.archive.get(portion)
      parts.push(bytes.subarray(Number(lsn - portion.start), Number(to - portion.start)))
    }
    return { timeline, start, bytes: Buffer.concat(parts) }
  }

  /** Of the segment's timeline and of all on the way to it: the engine looks for them one after the other. */
  private async historiesTo({ timeline }: WholeSegment): Promise<TimelineHistory[]> {
    const ancestors = this.planned!.index.histories.get(timeline) ?? []
    const found: TimelineHistory[] = []
    for (const one of [...ancestors.map((ancestor) => ancestor.timeline), timeline]) {
      if (one === 1) continue
      const history = this.histories.get(one) ?? { timeline: one, text: await this.archive.history(one) }
      this.histories.set(one, history)
      found.push(history)
    }
    return found
  }
}
