/** Consumers of logical slots come and go without anybody telling: the engine's users decide who may be one. */
import type { EngineDriver, EngineProcess } from '#engine/engine.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'

type Watched = { readonly driver: EngineDriver; readonly spec: InstanceSpec; readonly folder: string }

/** Somebody may have to act within a second on what is seen: take over, or let in a consumer who has just been allowed. */
export const isPressing = ({ driver, spec }: Watched): boolean =>
  spec.replication !== undefined || spec.volume !== undefined || driver.isDecodable(spec)

export class ConsumerWatch {
  private tended: EngineProcess | undefined

  /**
   * Of a running engine: once after each start, since the last one may have let in more, and again and again while there
   * may be consumers. Never throws.
   */
  async tend({ driver, spec, folder }: Watched, engine: EngineProcess): Promise<void> {
    if (this.tended === engine && !driver.isDecodable(spec)) return
    try {
      await driver.tendConsumers(folder, spec)
      this.tended = engine
    } catch {
      // It does not answer now, or somebody has changed the same role: the next look does it.
    }
  }
}
