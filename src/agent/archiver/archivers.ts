/** Which engines' logs are archived now: one receiver for each engine that accepts connections and is to be archived. */
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import { LogArchive } from '#archive/log-archive.ts'
import type { ObjectStore } from '#archive/object-store.ts'
import type { EngineDriver } from '#engine/engine.ts'
import type { Clock } from '#host/clock.ts'
import type { EngineName } from '#wire/agent/messages.ts'
import type { VolumeArchiveQuestions } from '#wire/agent/volume.ts'
import type { Instance } from '../supervisor/instance.ts'
import { LogReceiver } from './receiver.ts'
import { VolumeArchivers } from './volume-archivers.ts'

export interface ArchiversOptions {
  readonly objects: ObjectStore
  readonly clock: Clock
  readonly log: Log
  readonly drivers: Readonly<Record<EngineName, EngineDriver>>
}

interface Archiver {
  /** The engine's process: another one has another log connection. */
  readonly pid: number | undefined
  readonly prefix: string | undefined
  /** Undefined where the log is not to be archived: the engine was told to keep nothing for it. */
  readonly receiver: LogReceiver | undefined
}

export class Archivers {
  private readonly options: ArchiversOptions
  private readonly archivers = new Map<string, Archiver>()
  private ended = false
  /** Of those that no engine here writes. */
  readonly volumes: VolumeArchivers

  constructor(options: ArchiversOptions) {
    this.options = options
    this.volumes = new VolumeArchivers(options)
  }

  /** Called whenever something has changed about an instance. */
  look(instance: Instance): void {
    const { id, spec, recorded } = instance
    const { accepting, pid, state } = instance.observed()
    // What a standby has comes from its primary, whose log is archived.
    const prefix = spec.replication?.role === 'standby' ? undefined : spec.archivePrefix
    const known = this.archivers.get(id)
    if (known && known.pid === pid && known.prefix === prefix && state !== 'stopping') return
    // One that does not answer for a moment goes on being archived, as soon as it does again.
    if (known && known.pid === pid && state !== 'stopping' && !accepting) return
    if (known) this.drop(id)
    if (!recorded || !accepting || this.ended) return
    const receiver = prefix === undefined ? undefined : this.receive(instance, prefix)
    this.archivers.set(id, { pid, prefix, receiver })
    if (!receiver) this.release(instance)
  }

  /** The instance is no more, or its engine is not. */
  drop(id: string): void {
    const archiver = this.archivers.get(id)
    this.archivers.delete(id)
    void archiver?.receiver?.stop()
  }

  async end(): Promise<void> {
    this.ended = true
    const receivers = [...this.archivers.values()].flatMap(({ receiver }) => receiver ?? [])
    this.archivers.clear()
    await Promise.all([this.volumes.end(), ...receivers.map((receiver) => receiver.stop())])
  }

  private receive(instance: Instance, prefix: string): LogReceiver {
    const { objects, clock, log } = this.options
    const receiver: LogReceiver = new LogReceiver({
      open: () => instance.driver.openLog(instance.folder),
      archive: new LogArchive(objects, prefix),
      clock,
      log,
      onStatus: (status) => {
        if (this.archivers.get(instance.id)?.receiver === receiver) instance.archived(status)
      },
    })
    return receiver
  }

  /** An engine that is not archived any more must not keep its log for us until its disk is full. */
  private release(instance: Instance): void {
    const { log } = this.options
    instance.archived(undefined)
    const run = async (): Promise<void> => {
      const source = await instance.driver.openLog(instance.folder)
      try {
        await source.release()
      } finally {
        await source.close()
      }
    }
    run().catch((error: unknown) =>
      log.info(
        { instance: instance.id, error },
        `the engine was not told that nothing is archived: ${messageOf(error)}`,
      ),
    )
  }
}

type Answers = {
  [Q in keyof VolumeArchiveQuestions]: (
    input: VolumeArchiveQuestions[Q]['input'],
  ) => Promise<VolumeArchiveQuestions[Q]['answer']>
}

/** `archivers` undefined: there is no archive, as engines without processes have no log. */
export const archiveAnswers = (archivers: Archivers | undefined): Answers => ({
  'volume.archive': async (order) => {
    await archivers?.volumes.archive(order)
    return {}
  },
  'volume.unarchive': async ({ id }) => {
    await archivers?.volumes.stop(id)
    return {}
  },
  'volume.archived': async ({ id }) => ({ archive: archivers?.volumes.statusOf(id) }),
})
