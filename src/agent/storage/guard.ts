/**
 * Keeps engines from filling their storage to the last byte, which would take them down and could keep them from coming
 * up again. Here and not in serve, because it has to work while serve is away.
 *
 *     ample ⇄ low ⇄ critical ⇄ full       full: new transactions are read-only unless they ask otherwise; those that
 *                                         write are ended once, and again whenever they use up the reserve
 */
import { InvariantError } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/trouble.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { StorageLevel } from '#wire/agent/storage.ts'
import { GUARD_EVERY_MS, GUARD_URGENT_EVERY_MS, RUSH_MS } from '../limits.ts'
import type { Instance } from '../supervisor/instance.ts'
import { withRoom } from '../supervisor/room.ts'
import { measureInstance, type InstanceFacts } from './facts.ts'
import { isFilling, levelOf, msUntilFull, type StorageSight } from './level.ts'

export interface GuardOptions {
  readonly clock: Clock
  readonly log: Log
  readonly instances: () => readonly Instance[]
}

interface Watched {
  level: StorageLevel
  /** What the engine was told last. */
  isReadOnly: boolean
  /** The least that was used since it was told. */
  leastUsedBytes: number
  /** A look is being acted on. */
  busy: boolean
  isReclaiming: boolean
  last: { readonly usedBytes: number; readonly atMs: number } | undefined
  /** At the present pace its storage is full before long. */
  isRushing: boolean
  /** The last look could not be acted on, and that was said. */
  isFailing: boolean
}

export class StorageGuard {
  private readonly options: GuardOptions
  private readonly watched = new Map<string, Watched>()
  private timer: Timer | undefined
  private ended = false

  constructor(options: GuardOptions) {
    this.options = options
  }

  /** Says of engines that an earlier agent made read-only that they are, and begins to watch. */
  async begin(): Promise<void> {
    for (const instance of this.options.instances()) {
      if (!(await instance.driver.isReadOnly(instance.folder))) continue
      this.watched.set(instance.id, newWatch('full', true))
      const { storageBytes: allocatedBytes } = instance.spec.capacity
      instance.sawStorage({ level: 'full', allocatedBytes, limit: 'allocation' })
    }
    this.later()
  }

  end(): void {
    this.ended = true
    this.timer?.cancel()
  }

  drop(id: string): void {
    this.watched.delete(id)
  }

  /** Looks at the storage now, unless there was enough of it: its allocation may have changed. */
  async again(instance: Instance): Promise<void> {
    const watched = this.watched.get(instance.id)
    if (!watched || (watched.level === 'ample' && !watched.isRushing)) return
    if (instance.observed().state !== 'running') return
    await this.see(instance, await measureInstance(instance, false))
  }

  /** Acts on what a look found. Never throws but for a bug. */
  async see(instance: Instance, { storageBytes, hostFreeBytes, isVolume = false }: InstanceFacts): Promise<void> {
    if (storageBytes === undefined || this.ended) return
    const watched = this.watchedOf(instance)
    if (watched.busy) return
    watched.busy = true
    try {
      const { storageBytes: allocatedBytes } = instance.spec.capacity
      await this.act(instance, watched, { usedBytes: storageBytes, allocatedBytes, hostFreeBytes, isVolume })
      watched.isFailing = false
    } catch (error) {
      if (error instanceof InvariantError) throw error
      // Stopped meanwhile, or too full to write its configuration: the next look tries again.
      if (!watched.isFailing) this.options.log.warn({ instance: instance.id, error }, `guard: ${messageOf(error)}`)
      watched.isFailing = true
    } finally {
      watched.busy = false
    }
  }

  /** A level is too coarse for a fast writer, who may come by several of them between two looks. */
  private pace(watched: Watched, sight: StorageSight): void {
    const atMs = this.options.clock.monotonic()
    const { last } = watched
    if (last && atMs - last.atMs < GUARD_EVERY_MS) return
    watched.isRushing = last !== undefined && msUntilFull(sight, { ...last, msAgo: atMs - last.atMs }) < RUSH_MS
    watched.last = { usedBytes: sight.usedBytes, atMs }
  }

  private async act(instance: Instance, watched: Watched, sight: StorageSight): Promise<void> {
    const { driver, folder, spec } = instance
    const { log } = this.options
    const { level, limit } = levelOf(sight, watched.level)
    this.pace(watched, sight)
    const { usedBytes, allocatedBytes } = sight
    let hasEnded = false
    const mustGuard = level === 'full' && spec.replication?.role !== 'standby'
    try {
      if (mustGuard && !watched.isReadOnly) {
        // On a full disk a segment of log in stock is what the engine can still write to: without one it would go down.
        await withRoom(instance.volume, () => driver.setReadOnly(folder, limit === 'host' ? 'yes' : 'with little log'))
        watched.isReadOnly = true
        log.warn(
          { instance: instance.id, usedBytes, allocatedBytes, limit },
          'storage is full: the engine is read-only',
        )
        await driver.endWriters(folder)
        hasEnded = true
        if (limit === 'allocation') this.reclaim(instance, watched)
      } else if (!mustGuard && watched.isReadOnly) {
        await driver.setReadOnly(folder, 'no')
        watched.isReadOnly = false
        await instance.volume.grow(allocatedBytes)
        log.info({ instance: instance.id, usedBytes, allocatedBytes }, 'there is storage again: the engine is writable')
      } else if (watched.isReadOnly && isFilling(sight, watched.leastUsedBytes)) {
        const count = await driver.endWriters(folder)
        hasEnded = true
        if (count > 0) log.warn({ instance: instance.id, usedBytes, count }, 'ended sessions that fill the reserve')
        if (limit === 'allocation') this.reclaim(instance, watched)
      }
      // What the ended ones wrote since this look is no reason to end others: the next look is the measure.
      watched.leastUsedBytes = hasEnded ? Infinity : Math.min(watched.leastUsedBytes, usedBytes)
    } finally {
      const before = instance.storage
      if (before?.level !== level || before.allocatedBytes !== allocatedBytes || before.limit !== limit)
        instance.sawStorage({ level, limit, usedBytes, allocatedBytes })
      watched.level = level
    }
  }

  /** In the background: a checkpoint takes its time, in which writers must not be left alone. */
  private reclaim(instance: Instance, watched: Watched): void {
    if (watched.isReclaiming) return
    watched.isReclaiming = true
    void instance.driver
      .reclaimLog(instance.folder)
      .catch((error: unknown) => this.options.log.info({ instance: instance.id, error }, 'log could not be reclaimed'))
      .finally(() => (watched.isReclaiming = false))
  }

  private watchedOf(instance: Instance): Watched {
    const known = this.watched.get(instance.id)
    if (known) return known
    const fresh = newWatch('ample', false)
    this.watched.set(instance.id, fresh)
    return fresh
  }

  private later(): void {
    if (this.ended) return
    const isUrgent = [...this.watched.values()].some(({ isReadOnly, isRushing }) => isReadOnly || isRushing)
    this.timer = this.options.clock.after(isUrgent ? GUARD_URGENT_EVERY_MS : GUARD_EVERY_MS, () => {
      const looks = this.options.instances().map((instance) => this.again(instance))
      void Promise.all(looks).then(() => this.later())
    })
  }
}

const newWatch = (level: StorageLevel, isReadOnly: boolean): Watched => ({
  level,
  isReadOnly,
  leastUsedBytes: Infinity,
  busy: false,
  isReclaiming: false,
  last: undefined,
  isRushing: false,
  isFailing: false,
})
