/** What a log node tells about itself: changes of state at once, positions now and then. */
import type { Clock, Timer } from '#host/clock.ts'
import type { FromLogNode, ObservedDoors, ObservedMember, ObservedReader } from '#wire/lognode/messages.ts'
import type { ObservedRelay } from '#wire/lognode/messages.ts'
import type { MemberId } from '#wire/quorum/messages.ts'
import type { ReaderStatus } from '../postgres/feed.ts'
import { REPORT_EVERY_MS } from './limits.ts'

export type LogNodeReport = Extract<FromLogNode, { type: 'doors' | 'member' | 'gone' | 'readers' | 'relays' }>

export interface Seen {
  readonly clock: Clock
  doors(): ObservedDoors
  member(key: string): ObservedMember | undefined
  relays(): readonly ObservedRelay[]
  /** Of all volumes. */
  readers(): readonly ReaderStatus[]
}

export class LogNodeReports {
  private readonly seen: Seen
  private readonly listeners = new Set<(report: LogNodeReport) => void>()
  private readonly told = new Map<string, string>()
  private readonly moving = new Set<string>()
  private timer: Timer | undefined

  constructor(seen: Seen) {
    this.seen = seen
  }

  listen(listener: (report: LogNodeReport) => void): () => void {
    this.listeners.add(listener)
    // Who comes anew knows nothing of what was told before, and hears no more of it at first than of members.
    for (const key of ['readers', 'relays']) this.told.delete(key)
    this.timer ??= this.lookLater()
    return () => this.listeners.delete(listener)
  }

  doorsChanged(): void {
    this.tell('doors', { type: 'doors', doors: this.seen.doors() })
  }

  /** It is in another state. */
  changed(key: string): void {
    const member = this.seen.member(key)
    if (member) this.tell(key, { type: 'member', member })
  }

  /** It has got further. */
  moved(key: string): void {
    this.moving.add(key)
  }

  gone(gone: { readonly volume: string; readonly member: MemberId }): void {
    this.told.delete(`${gone.volume}/${gone.member}`)
    this.send({ type: 'gone', ...gone })
  }

  end(): void {
    this.timer?.cancel()
    this.listeners.clear()
  }

  private lookLater(): Timer | undefined {
    if (this.listeners.size === 0) return undefined
    return this.seen.clock.after(REPORT_EVERY_MS, () => {
      for (const key of this.moving) this.changed(key)
      this.moving.clear()
      this.tell('readers', { type: 'readers', readers: this.seen.readers().map(observedReader) })
      this.tell('relays', { type: 'relays', relays: this.seen.relays() })
      this.timer = this.lookLater()
    })
  }

  private tell(key: string, report: LogNodeReport): void {
    const text = JSON.stringify(report)
    if (this.told.get(key) === text) return
    this.told.set(key, text)
    this.send(report)
  }

  private send(report: LogNodeReport): void {
    for (const listener of this.listeners) listener(report)
  }
}

const observedReader = ({
  user: volume,
  reader,
  timeline,
  sent,
  flushed,
  applied,
  xmin,
}: ReaderStatus): ObservedReader => ({
  volume,
  reader,
  timeline,
  sent,
  flushed,
  applied,
  xmin: String(xmin),
})
