/** What an engine says of those it lives with: the copies that it follows or that follow it, and its cluster volume. */
import type { EngineDriver } from '#engine/engine.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { ObservedReplication } from '#wire/agent/replication.ts'
import type { ObservedVolume } from '#wire/agent/volume.ts'
import { MISSES_MAX } from '../limits.ts'

interface Watched {
  readonly driver: EngineDriver
  readonly folder: string
  readonly spec: InstanceSpec
}

export interface TiesSeen {
  readonly replication?: ObservedReplication | undefined
  readonly volume?: ObservedVolume | undefined
}

export class Ties {
  private seen: TiesSeen = {}
  /** Looks in a row at which the source of this standby did not answer. */
  private sourceMisses = 0

  /** Another engine: nothing is known of it yet. */
  reset(): void {
    this.seen = {}
    this.sourceMisses = 0
  }

  /** Asks the engine. Never throws; what it finds counts once it is given to {@link take}. */
  async look({ driver, folder, spec }: Watched): Promise<TiesSeen> {
    const [replication, volume] = await Promise.all([
      spec.replication ? driver.replication(folder, spec) : undefined,
      spec.volume ? driver.onVolume.observe(folder, spec) : undefined,
    ])
    return { replication, volume }
  }

  /** `isPunctual`: the one who looked was not late himself, so that a missing answer says something. */
  take({ replication, volume }: TiesSeen, isPunctual: boolean): void {
    this.seen = { replication: replication && this.settled(replication, isPunctual), volume }
  }

  /** It receives the log that it is to follow. */
  get streams(): boolean {
    const { replication, volume } = this.seen
    return (replication?.role === 'standby' && replication.isStreaming) || volume?.isStreaming === true
  }

  observed(): { replication?: ObservedReplication; volume?: ObservedVolume } {
    const { replication, volume } = this.seen
    return { ...(replication && { replication }), ...(volume && { volume }) }
  }

  /** One missing answer of the source is not yet a source that does not answer. */
  private settled(seen: ObservedReplication, isPunctual: boolean): ObservedReplication {
    if (seen.role !== 'standby') return seen
    if (seen.sourceAnswers) this.sourceMisses = 0
    else if (isPunctual) this.sourceMisses++
    return { ...seen, sourceAnswers: this.sourceMisses < MISSES_MAX }
  }
}
