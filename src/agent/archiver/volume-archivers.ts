/**
 * The logs of cluster volumes that this host archives, whoever writes them: out of the feeds of log nodes, which show nothing
 * that is not durable. Orders are not kept: whoever gave one gives it again to an agent that has not heard of it.
 */
import { isDeepStrictEqual } from 'node:util'
import { LogArchive } from '#archive/log-archive.ts'
import type { ObservedArchive } from '#wire/agent/archive.ts'
import type { VolumeArchiveOrder } from '#wire/agent/volume.ts'
import type { ArchiversOptions } from './archivers.ts'
import { LogReceiver } from './receiver.ts'

interface Kept {
  readonly order: VolumeArchiveOrder
  readonly receiver: LogReceiver
  status: ObservedArchive | undefined
}

export class VolumeArchivers {
  private readonly options: ArchiversOptions
  private readonly kept = new Map<string, Kept>()

  constructor(options: ArchiversOptions) {
    this.options = options
  }

  /** From now on, in the place of what was asked of the same volume before. */
  async archive(order: VolumeArchiveOrder): Promise<void> {
    const before = this.kept.get(order.id)
    if (before && isDeepStrictEqual(before.order, order)) return
    await this.stop(order.id)
    const { objects, clock, log, drivers } = this.options
    const receiver: LogReceiver = new LogReceiver({
      open: () => drivers[order.engine].onVolume.openLog(order),
      archive: new LogArchive(objects, order.prefix),
      clock,
      log,
      onStatus: (status) => {
        const kept = this.kept.get(order.id)
        if (kept?.receiver === receiver) kept.status = status
      },
    })
    this.kept.set(order.id, { order, receiver, status: undefined })
  }

  /** Resolves when nothing of the volume is archived here any more. */
  async stop(id: string): Promise<void> {
    const kept = this.kept.get(id)
    this.kept.delete(id)
    await kept?.receiver.stop()
  }

  /** Undefined: it is not archived here, or not known yet. */
  statusOf(id: string): ObservedArchive | undefined {
    return this.kept.get(id)?.status
  }

  async end(): Promise<void> {
    await Promise.all([...this.kept.keys()].map((id) => this.stop(id)))
  }
}
