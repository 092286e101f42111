/** Makes an instance on this host, all of it or nothing. */
import { isDiskFull } from '#host/disk.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { Instance } from '../supervisor/instance.ts'
import type { InstanceRecord } from '../supervisor/record.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Volumes } from '../volumes.ts'
import { JobFailure } from './failure.ts'
import type { JobContext, JobOutcome } from './job.ts'

export class Maker {
  private readonly supervisor: Supervisor
  private readonly volumes: Volumes

  constructor(supervisor: Supervisor, volumes: Volumes) {
    this.supervisor = supervisor
    this.volumes = volumes
  }

  isMade(spec: InstanceSpec): boolean {
    return this.supervisor.find(spec.id)?.recorded === true
  }

  async folderOfSnapshot(id: string): Promise<string> {
    if (!(await this.volumes.snapshot(id)))
      throw new JobFailure('snapshot-missing', `The host does not have the snapshot ${id}.`)
    return this.volumes.snapshotFolder(id)
  }

  /** Uses a snapshot that may go meanwhile: then `snapshot-missing` is what that throws, and not what came of it. */
  async withSnapshot<T>(id: string, use: (folder: string) => Promise<T>): Promise<T> {
    const folder = await this.folderOfSnapshot(id)
    try {
      return await use(folder)
    } catch (error) {
      await this.folderOfSnapshot(id)
      throw error
    }
  }

  /** What the host has of the instance gives way: an old primary, or a standby that cannot follow any more. */
  async clear(before: Instance): Promise<void> {
    await this.supervisor.intend(before, { wanted: 'stopped' })
    await before.kill()
    this.supervisor.drop(before)
  }

  /** Makes a volume and an engine on it; what is half-made is removed when that fails. */
  async make(record: InstanceRecord, context: JobContext, steps: Steps): Promise<JobOutcome<Record<never, never>>> {
    const instance = this.supervisor.add(record, false)
    try {
      await this.wipe(instance)
      context.reached('wiped')
      context.signal.throwIfAborted()
      await this.volumes.makeInstance(instance.id, instance.spec.capacity.storageBytes)
      await fillAndStart(instance, context, steps)
    } catch (error) {
      await this.wipe(instance)
      this.supervisor.drop(instance)
      throw error
    }
    return {
      result: {},
      writes: [this.supervisor.recordOf(instance)],
      onRecorded: () => {
        instance.recorded = true
      },
    }
  }

  /** An earlier run may have left a folder, and an engine that runs on it. */
  private async wipe(instance: Instance): Promise<void> {
    await instance.stop('immediate')
    await this.volumes.removeInstance(instance.id)
  }
}

export interface Steps {
  fill(instance: Instance): Promise<void>
  readonly filled: string
  /** What is left to do once the engine runs. */
  finish(instance: Instance): Promise<void>
  readonly finished: string
}

async function fillAndStart(instance: Instance, context: JobContext, steps: Steps): Promise<void> {
  const { driver, folder } = instance
  context.progress('making the data volume')
  await steps.fill(instance)
  context.reached(steps.filled)
  await instance.configure()
  context.reached('configured')
  context.progress('starting the engine')
  // Waiting for the disk and starting the engine overlap: neither needs the other before the end.
  const sealed = driver.seal(folder)
  try {
    await instance.launch(context.signal)
    context.reached('started')
    await steps.finish(instance)
    context.reached(steps.finished)
    context.signal.throwIfAborted()
  } catch (error) {
    // Both can fail for one reason, a full disk, and that one says more.
    const seal = await Promise.allSettled([sealed])
    throw seal[0].status === 'rejected' && isDiskFull(seal[0].reason) ? seal[0].reason : error
  }
  await sealed
  context.reached('sealed')
}
