/** The jobs of instances on cluster volumes: the images that engines are made of, readers, and who leads an epoch. */
import { isDeepStrictEqual } from 'node:util'
import type { ObjectStore } from '#archive/object-store.ts'
import { assert } from '#base/assert.ts'
import type { EngineDriver } from '#engine/engine.ts'
import type { EngineName, InstanceSpec } from '#wire/agent/messages.ts'
import type { EpochStarted } from '#wire/agent/volume.ts'
import type { Heads, KeptHead } from '../heads.ts'
import type { Instance } from '../supervisor/instance.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Volumes } from '../volumes.ts'
import { JobFailure } from './failure.ts'
import { requireFresh } from './fresh.ts'
import type { JobContext, JobRunners } from './job.ts'
import { Maker } from './make.ts'
import { imageJobs } from './volume-images.ts'

interface Parts {
  readonly supervisor: Supervisor
  readonly volumes: Volumes
  readonly drivers: Readonly<Record<EngineName, EngineDriver>>
  readonly heads: Heads
  /** Undefined: there is no archive, and nothing in it is missing either. */
  readonly archive?: ObjectStore | undefined
}

export function volumeJobs({
  supervisor,
  volumes,
  drivers,
  heads,
  archive,
}: Parts): Pick<JobRunners, 'volume.seed' | 'volume.image' | 'instance.attach' | 'instance.lead'> {
  const maker = new Maker(supervisor, volumes)
  return {
    ...imageJobs({ volumes, drivers, maker, archive }),
    'instance.attach': async ({ spec, image }, context) => {
      assert(spec.volume?.role === 'reader', 'whatever is attached begins as a reader')
      const before = supervisor.find(spec.id)
      if (before) requireFresh(before, spec)
      if (!image || (before?.recorded && before.record.seedId === image.making)) {
        const instance = supervisor.get(spec.id)
        await requireOwn(instance, spec)
        const wasWriter = instance.spec.volume?.role === 'writer' || !instance.spec.volume?.isOpen
        await (wasWriter ? followOnce : followAgain)(instance, spec, { supervisor, context })
        return { result: {} }
      }
      // Before what there is goes.
      await maker.folderOfSnapshot(image.snapshotId)
      if (before) await maker.clear(before)
      return maker.make({ spec, wanted: 'running', crashes: 0, seedId: image.making }, context, {
        // A later image may take its place while it is copied.
        fill: (instance) =>
          maker.withSnapshot(image.snapshotId, (folder) =>
            instance.driver.onVolume.attach(instance.folder, spec, folder, context.signal),
          ),
        filled: 'filled',
        finish: (instance) => instance.joined(context.signal),
        finished: 'followed',
      })
    },

    'instance.lead': async ({ spec }, context) => {
      const terms = spec.volume?.role === 'writer' ? spec.volume.head : undefined
      assert(terms && spec.volume?.isOpen, 'who leads an epoch lets clients in in the end')
      const instance = supervisor.get(spec.id)
      requireFresh(instance, spec)
      await requireOwn(instance, spec)
      await instance.adopt()
      // Done already: sessions of clients are not ended for being asked again.
      const isDone = instance.alive && isDeepStrictEqual(instance.spec, spec)
      if (!isDone) await close(instance, spec, { supervisor, heads, context })
      context.reached('closed')
      const head = heads.of(instance)
      try {
        const started = await takeOver(instance, terms.epoch, { head, context })
        await supervisor.intend(instance, { spec })
        if (!isDone) {
          await instance.configure()
          await instance.reload()
        }
        context.reached('opened')
        await instance.look()
        return { result: started }
      } catch (error) {
        // Of an engine that was ended because its epoch is over, that is what counts.
        if (head.phase === 'fenced') head.requireForce()
        throw error
      }
    },
  }
}

interface Around {
  readonly supervisor: Supervisor
  readonly context: JobContext
}

/** Goes on as a reader with what is here. An engine that wrote is stopped first: no reload makes a reader of it. */
async function followAgain(instance: Instance, spec: InstanceSpec, { supervisor, context }: Around): Promise<void> {
  await instance.adopt()
  await supervisor.intend(instance, { spec, wanted: 'running' })
  context.reached('intended')
  const seen = instance.alive ? await instance.driver.onVolume.observe(instance.folder, spec) : undefined
  if (instance.alive && seen?.isWriter !== false) await instance.stop('fast')
  if (instance.alive) {
    await instance.configure()
    await instance.reload()
  } else await instance.start(context.signal)
  context.reached('configured')
  await instance.joined(context.signal)
}

/** An old writer may have applied what the log does not have: nobody sees it before it is known to follow. */
async function followOnce(instance: Instance, spec: InstanceSpec, around: Around): Promise<void> {
  const closed = { ...spec, volume: { ...spec.volume!, isOpen: false } }
  await followAgain(instance, closed, around)
  const { volume } = instance.observed()
  if (volume?.obstacle === 'diverged') throw diverged()
  if (!volume?.isStreaming) throw new JobFailure('failed', 'What was a writer does not follow its cluster volume yet.')
  await followAgain(instance, spec, around)
}

/** What is of a volume that the cluster had before may have more log than this one, and must never be taken for a part of it. */
async function requireOwn({ driver, folder }: Instance, { volume }: InstanceSpec): Promise<void> {
  if (volume && !(await driver.onVolume.belongs(folder, volume))) throw diverged()
}

const diverged = (): JobFailure =>
  new JobFailure('diverged', 'What is on the host is no past state of the cluster volume: it has to be made anew.')

/** Nobody is in any more, before the engine sees what is not durable. Its head seals meanwhile. */
async function close(
  instance: Instance,
  spec: InstanceSpec,
  { supervisor, heads, context }: Around & { readonly heads: Heads },
): Promise<void> {
  await supervisor.intend(instance, {
    spec: { ...spec, volume: { ...spec.volume!, isOpen: false } },
    wanted: 'running',
  })
  context.reached('intended')
  context.progress('closing the gate')
  if (instance.alive) {
    await instance.ready(context.signal)
    await instance.configure()
    await instance.reload()
    await instance.driver.onVolume.endSessions(instance.folder)
  } else await heads.beside(instance, () => instance.start(context.signal))
}

/** Resolves when something that the writer wrote in its epoch is durable. */
async function takeOver(
  instance: Instance,
  epoch: number,
  { head, context }: { readonly head: KeptHead; readonly context: JobContext },
): Promise<EpochStarted> {
  const { onVolume } = instance.driver
  const { signal } = context
  context.progress('waiting for the log to be recovered')
  head.release()
  const { recoveredEnd } = await head.until((status) => status.recoveredEnd !== undefined, signal)
  await onVolume.awaitLog(instance.folder, recoveredEnd!, signal)
  context.reached('fed')
  context.progress('promoting the reader')
  const started = await onVolume.lead(instance.folder, epoch, signal)
  context.reached('promoted')
  head.promoted(started)
  await head.until(({ phase }) => phase === 'open', signal)
  context.reached('durable')
  return started
}
