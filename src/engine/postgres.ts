/**
 * The driver of real PostgreSQL. Binaries come from npm or the system, data folders are copies of a template, and the
 * engine is spoken to by signals, its lock file, and SQL over a Unix socket. It keeps nothing about an instance but
 * what is in the instance's folder.
 */
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { EngineError } from './engine.ts'
import type { EngineDriver } from './engine.ts'
import { PROBE_STATEMENT_MS_MAX } from './limits.ts'
import { answers } from './postgres/answers.ts'
import { dropReserved } from './postgres/attachment.ts'
import { storedBinaries } from './postgres/binaries/binaries.ts'
import { ensureBinaries, versionsHere } from './postgres/binaries/engine-store.ts'
import { systemInstallations } from './postgres/binaries/system-source.ts'
import { writeConfiguration } from './postgres/configuration.ts'
import { isDecodable, tendConsumers } from './postgres/consumers.ts'
import { adoptEngine, killEngine, startEngine, stopEngine } from './postgres/engine-process.ts'
import { measureEngine } from './postgres/measure.ts'
import { checkSnapshot, fillFrom, fillFromTemplate, sealFolder } from './postgres/fill.ts'
import { admitFollowers, awaitSynchronous } from './postgres/followers.ts'
import { giveLog, logWanted } from './postgres/given-log.ts'
import { dropUnkeptSlots, hastenCopies, keepsSlots } from './postgres/kept-slots.ts'
import { dataOf } from './postgres/layout.ts'
import { openLogSource } from './postgres/log-source.ts'
import { dropOldLogs, listLogs, readLogPart } from './postgres/logs.ts'
import { endRecovery, prepareRecovery } from './postgres/recovery.ts'
import { endWriters, isReadOnly, reclaimLog, setReadOnly } from './postgres/read-only.ts'
import { reloadEngine, settingsThatWait } from './postgres/reload.ts'
import { takeSnapshot } from './postgres/snapshot.ts'
import { Spares } from './postgres/spares.ts'
import { withSession } from './postgres/sql.ts'
import { awaitSealed, fillFromSeed, logPosition, observeReplication, promoteStandby } from './postgres/standby.ts'
import type { Surroundings } from './postgres/surroundings.ts'
import { ensureTemplate } from './postgres/template.ts'
import { createMaster, setMasterPassword } from './postgres/users.ts'
import { onVolume } from './postgres/on-volume.ts'

export type { Surroundings as PostgresSurroundings } from './postgres/surroundings.ts'

export function postgresDriver(surroundings: Surroundings): EngineDriver {
  const preparations = sharedPreparations(surroundings)
  const prepare = preparations.prepare
  const spares = new Spares(surroundings)
  const ignored = (): void => {}
  return {
    name: 'postgres',
    installed: () => versionsHere(surroundings),
    async prepare(version, onProgress) {
      const { fetched, template } = await prepare(version, onProgress)
      spares.want(template)
      return { fetched }
    },

    async initialize(folder, { version }, signal) {
      const { template } = await prepare(version, ignored)
      await fillFromTemplate(template, folder, { signal, surroundings, spares })
    },
    async restore(folder, { version }, snapshotFolder, signal) {
      await checkSnapshot(snapshotFolder, version)
      await fillFrom(dataOf(snapshotFolder), folder, { signal, surroundings })
    },
    seal: (folder) => sealFolder(folder, spares.wasSpare(dataOf(folder))),

    configure: (folder, spec) => writeConfiguration(folder, spec, surroundings),
    async start(folder, spec, signal) {
      const { postgres } =
        (await storedBinaries(surroundings.enginesFolder, spec.version)) ?? (await prepare(spec.version, ignored))
      await dropLeftovers(folder, spec, surroundings)
      return startEngine({ folder, spec, binary: postgres, signal }, surroundings)
    },
    adopt: (folder) => adoptEngine(folder, surroundings),
    probe: (folder) => canConnect(folder, surroundings),
    answers,
    kill: killEngine,
    async follow(folder, { version }, seedFolder, signal) {
      await checkSnapshot(seedFolder, version)
      await fillFromSeed(seedFolder, { folder, surroundings }, signal)
    },
    promote: (folder) => promoteStandby({ folder, surroundings }),
    admitFollowers: (folder, spec) => admitFollowers({ folder, surroundings }, spec),
    awaitSynchronous: (folder, _spec, signal) => awaitSynchronous({ folder, surroundings }, signal),
    awaitSealed: (folder, _spec, signal) => awaitSealed({ folder, surroundings }, signal),
    logWanted: (folder, isExact) => logWanted({ folder, surroundings }, isExact),
    giveLog: (folder, segment, histories) => giveLog({ folder, surroundings }, segment, histories),
    isDecodable,
    tendConsumers: (folder, spec) => tend({ folder, surroundings }, spec),
    replication: (folder, spec) => observeReplication({ folder, surroundings }, spec),
    position: (folder) => logPosition({ folder, surroundings }),
    stop: (engine, mode, patienceMs) => stopEngine(engine, mode, { ms: patienceMs, surroundings }),

    bootstrap: (folder, { version }, master, databaseName) =>
      createMaster({ folder, surroundings }, master, { version, databaseName }),
    setPassword: (folder, _spec, master) => setMasterPassword({ folder, surroundings }, master),
    reload: (folder) => reloadEngine({ folder, surroundings }),
    pendingRestart: (folder) => settingsThatWait({ folder, surroundings }),

    snapshot: (folder, spec, ...[target, running, signal]) =>
      takeSnapshot({ folder, spec, target, signal }, running, surroundings),

    isReadOnly,
    setReadOnly: (folder, readOnly) => setReadOnly({ folder, surroundings }, readOnly),
    endWriters: (folder) => endWriters({ folder, surroundings }),
    reclaimLog: (folder) => reclaimLog({ folder, surroundings }),
    measure: (folder, spec, running) => measureEngine({ folder, surroundings }, spec, running),
    recover: (folder, spec, ...[recovery, signal]) => prepareRecovery({ folder, surroundings }, spec, recovery, signal),
    endRecovery: (folder) => endRecovery({ folder, surroundings }),
    openLog: (folder) => openLogSource({ folder, surroundings }),

    logs: (folder) => dropOldLogs(folder, surroundings).then(() => listLogs(folder)),
    readLog: (folder, name, offset, bytesMax) => readLogPart(folder, name, { offset, bytesMax }),
    onVolume: onVolume({ surroundings, prepare: (version) => prepare(version, ignored) }),
  }
}

/** What the folder has of earlier times that the engine must not find when it starts, or need not keep. */
async function dropLeftovers(folder: string, spec: InstanceSpec, surroundings: Surroundings): Promise<void> {
  await dropOldLogs(folder, surroundings)
  await dropUnkeptSlots(folder, spec)
  if (spec.volume) await dropReserved(folder)
}

/** Exact versions that this machine has from elsewhere than npm. */
export async function systemPostgresVersions(env: Readonly<Record<string, string | undefined>>): Promise<string[]> {
  return (await systemInstallations(env)).map(({ version }) => version)
}

interface Prepared {
  readonly fetched: boolean
  readonly postgres: string
  readonly initdb: string
  /** PGDATA of the version's template. */
  readonly template: string
}

/** Concurrent callers share the work and all hear of its progress. A failure is forgotten: the next call tries again. */
function sharedPreparations(surroundings: Surroundings): {
  prepare(version: string, onProgress: (text: string) => void): Promise<Prepared>
} {
  const running = new Map<string, { listeners: Set<(text: string) => void>; done: Promise<Prepared> }>()
  async function make(version: string, onProgress: (text: string) => void): Promise<Prepared> {
    const binaries = await ensureBinaries(version, surroundings, onProgress)
    onProgress(`making the template of PostgreSQL ${version}`)
    return { ...binaries, template: await ensureTemplate(version, binaries, surroundings) }
  }
  return {
    async prepare(version, onProgress) {
      if (!/^\d+\.\d+$/.test(version))
        throw new EngineError('engine-unavailable', `${version} is no version of PostgreSQL`)
      let shared = running.get(version)
      if (!shared) {
        const listeners = new Set<(text: string) => void>()
        const done = make(version, (text) => listeners.forEach((listener) => listener(text)))
        shared = { listeners, done: done.finally(() => running.delete(version)) }
        running.set(version, shared)
      }
      shared.listeners.add(onProgress)
      return shared.done
    },
  }
}

const BRIEF = { statementMs: PROBE_STATEMENT_MS_MAX }

async function tend(instance: { folder: string; surroundings: Surroundings }, spec: InstanceSpec): Promise<void> {
  await tendConsumers(instance)
  if (keepsSlots(spec)) await withSession(instance, hastenCopies, BRIEF)
}

async function canConnect(folder: string, surroundings: Surroundings): Promise<boolean> {
  try {
    await withSession({ folder, surroundings }, ({ query }) => query('SELECT 1'), BRIEF)
    return true
  } catch {
    return false
  }
}
