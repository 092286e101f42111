/** The jobs on the archive: storing a base backup, restoring to a time, and removing what is too old. */
import { join } from 'node:path'
import { BaseArchive } from '#archive/base-archive.ts'
import { BrokenArchive, LogArchive } from '#archive/log-archive.ts'
import type { Link } from '#archive/log-chain.ts'
import { mirrorArchive } from '#archive/mirror.ts'
import type { ObjectStore } from '#archive/object-store.ts'
import { planRestore, type RestorePlan } from '#archive/restore-plan.ts'
import { makeFolder, readBytes, readText } from '#host/disk.ts'
import type { LogPart, Recovery } from '#engine/recovery.ts'
import type { RestoreCheck } from '#wire/agent/archive.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { SEED_HISTORY, SEED_LOG, type SeedFacts } from '#wire/agent/volume.ts'
import { parseLsn } from '#wire/pg/lsn.ts'
import { LOG_PORTIONS_AHEAD } from '../limits.ts'
import type { Instance } from '../supervisor/instance.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Volumes } from '../volumes.ts'
import { JobFailure } from './failure.ts'
import type { JobRunners } from './job.ts'
import { Maker } from './make.ts'

type Kinds = 'instance.recover' | 'backup.store' | 'archive.mirror' | 'archive.trim'

/** `objects` undefined: engines without processes have nothing to archive, and nothing is missing either. */
export function backupJobs(
  supervisor: Supervisor,
  volumes: Volumes,
  objects: ObjectStore | undefined,
): Pick<JobRunners, Kinds> {
  const maker = new Maker(supervisor, volumes)
  return {
    'instance.recover': async (input, context) => {
      const { spec } = input
      if (maker.isMade(spec)) return { result: {} }
      const fill = async (instance: Instance): Promise<void> => {
        if (!objects) return instance.driver.initialize(instance.folder, spec, context.signal)
        context.progress('reading the base backup')
        await new Recoverer(objects, volumes, context.signal).recover(instance, spec, input)
      }
      return maker.make({ spec, wanted: 'running', crashes: 0 }, context, {
        fill,
        filled: 'fetched',
        finish: async (instance) => {
          await instance.driver.endRecovery(instance.folder)
          context.reached('recovered')
          if (input.master) await instance.driver.setPassword(instance.folder, spec, input.master)
        },
        finished: 'password-set',
      })
    },

    'backup.store': async ({ prefix, snapshotId, isTemporary }, { signal, progress, reached }) => {
      const facts = await volumes.snapshot(snapshotId)
      const isDone = !facts && isTemporary && objects && (await new BaseArchive(objects, prefix).has(snapshotId))
      if (isDone) return { result: {} }
      if (!facts) throw new JobFailure('snapshot-missing', `The host does not have the snapshot ${snapshotId}.`)
      progress('storing the base backup')
      if (objects && facts.log) {
        const { endedAt, ...place } = facts.log
        if (facts.seed)
          await storeSeedLog(new LogArchive(objects, prefix), facts.seed, volumes.snapshotFolder(snapshotId))
        const base = { id: snapshotId, engineVersion: facts.engineVersion, ...place, usableFrom: endedAt }
        await new BaseArchive(objects, prefix).put(base, volumes.snapshotFolder(snapshotId), signal)
      }
      reached('stored')
      if (isTemporary) await volumes.removeSnapshot(snapshotId)
      return { result: {} }
    },

    'archive.mirror': async ({ from, to, until }, { signal, progress, reached }) => {
      progress('copying what is new')
      const bases = objects ? await mirrorArchive(objects, { from, to }, signal) : []
      reached('copied')
      return { result: { bases, until } }
    },

    'archive.trim': async ({ prefix, keep }, { reached }) => {
      if (objects) await trim(objects, prefix, keep)
      reached('trimmed')
      return { result: {} }
    },
  }
}

/** The log of a volume goes on behind what its image has: so does the archive's. */
async function storeSeedLog(archive: LogArchive, { epoch, start, end }: SeedFacts, folder: string): Promise<void> {
  const history = await readText(join(folder, SEED_HISTORY))
  if (history !== undefined) await archive.putHistory(epoch, history)
  const bytes = await readBytes(join(folder, SEED_LOG), 0, end - start)
  if (bytes?.length !== end - start) throw new Error('the image of the volume has not all of its log')
  await archive.put({ timeline: epoch, start: BigInt(start), end: BigInt(end), newestUs: 0 }, bytes)
}

/** Whether everything is there that a restore needs, by its name. */
export async function checkRestore(
  objects: ObjectStore | undefined,
  { prefix, time }: { prefix: string; time: number | undefined },
): Promise<RestoreCheck> {
  if (!objects) return { missing: undefined, restorableTo: undefined }
  const planned = await planRestore(objects, prefix, time)
  return 'plan' in planned ? { missing: undefined, restorableTo: undefined } : planned
}

async function trim(objects: ObjectStore, prefix: string, keep: readonly string[]): Promise<void> {
  if (keep.length === 0) {
    const keys = (await Array.fromAsync(objects.list(prefix === '' ? '' : `${prefix}/`))).map(({ key }) => key)
    return objects.delete(keys.filter((key) => OURS.test(key)))
  }
  const bases = new BaseArchive(objects, prefix)
  for (const id of await bases.ids()) if (!keep.includes(id)) await bases.remove(id)
  const oldest = (await bases.list()).sort((a, b) => a.usableFrom - b.usableFrom)[0]
  if (oldest) await new LogArchive(objects, prefix).trim({ timeline: oldest.timeline, lsn: parseLsn(oldest.start) })
}

/** A bucket may hold more than an archive. */
const OURS = /^[a-z0-9-]+\/\d{12}\/(db|cluster)-[A-Z0-9]+\/(log|history|base)\//

/** Makes folders out of the archive. */
export class Recoverer {
  private readonly objects: ObjectStore
  private readonly volumes: Volumes
  private readonly signal: AbortSignal

  constructor(objects: ObjectStore, volumes: Volumes, signal: AbortSignal) {
    this.objects = objects
    this.volumes = volumes
    this.signal = signal
  }

  /** Everything is read and verified before the engine starts; what is missing or damaged is named. */
  async recover(
    { folder, driver }: Pick<Instance, 'folder' | 'driver'>,
    spec: Pick<InstanceSpec, 'version'>,
    { prefix, time }: { readonly prefix: string; readonly time: number | undefined },
  ): Promise<void> {
    const planned = await planRestore(this.objects, prefix, time)
    if ('missing' in planned) throw broken(planned.missing, planned.restorableTo)
    const { plan } = planned
    try {
      const to = { account: this.volumes.account, signal: this.signal }
      await makeFolder(folder, { mode: 0o700, account: to.account })
      await new BaseArchive(this.objects, prefix).get(plan.base.id, folder, to)
      await driver.recover(folder, spec, await this.recovery(prefix, plan, time), this.signal)
    } catch (error) {
      if (error instanceof BrokenArchive) throw broken(error.message, limitWithout(plan, error))
      throw error
    }
  }

  private async recovery(
    prefix: string,
    { chain, until, stopsAtTime }: RestorePlan,
    time: number | undefined,
  ): Promise<Recovery> {
    const archive = new LogArchive(this.objects, prefix)
    const histories: { timeline: number; text: string }[] = []
    for (const timeline of new Set(chain.links.map((link) => link.timeline)))
      if (timeline > 1) histories.push({ timeline, text: await archive.history(timeline) })
    return { until, time: stopsAtTime ? time : undefined, histories, log: read(archive, chain.links) }
  }
}

/** Some portions are read ahead, and no more than memory is for. */
async function* read(archive: LogArchive, links: readonly Link[]): AsyncIterable<LogPart> {
  const ahead: Promise<LogPart>[] = []
  let next = 0
  const fetch = async ({ portion, timeline, lsn, to }: Link): Promise<LogPart> => {
    const bytes = await archive.get(portion)
    return { timeline, lsn, bytes: bytes.subarray(Number(lsn - portion.start), Number(to - portion.start)) }
  }
  while (next < links.length || ahead.length > 0) {
    while (next < links.length && ahead.length < LOG_PORTIONS_AHEAD) {
      const part = fetch(links[next++]!)
      // Whoever stops reading does not wait for those that are on their way.
      part.catch(() => {})
      ahead.push(part)
    }
    yield await ahead.shift()!
  }
}

/** Up to where the log goes before the portion that cannot be read; undefined where that is not what is broken. */
function limitWithout({ base, chain }: RestorePlan, { portion }: BrokenArchive): number | undefined {
  const place = chain.links.findIndex((link) => link.portion === portion)
  if (place < 0) return undefined
  const newestUs = Math.max(0, ...chain.links.slice(0, place).map((link) => link.portion.newestUs))
  return Math.max(base.usableFrom, Math.floor(newestUs / 1_000))
}

function broken(what: string, restorableTo: number | undefined): JobFailure {
  const limit = restorableTo === undefined ? '' : ` It can be restored up to ${new Date(restorableTo).toISOString()}.`
  return new JobFailure('backup-broken', `The backup cannot be used: ${what}.${limit}`)
}
