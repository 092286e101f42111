/** Real engines: state on disk, hosts that are agent processes. */
import { join } from 'node:path'
import { messageOf } from '#base/trouble.ts'
import type { ConnectedHosts } from '#control/connected-hosts.ts'
import type { Control } from '#control/control.ts'
import { zonesInUse } from '#control/db-instance/zones.ts'
import { resolveVersion } from '#control/db-instance/settings.ts'
import type { Clock } from '#host/clock.ts'
import { codeOf, makeFolder, removeTree, renameDurably, writeFileDurably } from '#host/disk.ts'
import { openSqliteStore } from '#store/sqlite-store.ts'
import { StoreBusyError, StoreCorruptError, type Store } from '#store/store.ts'
import type { Log } from '#telemetry/log.ts'
import type { Metrics } from '#telemetry/metrics.ts'
import { openMetrics } from '#telemetry/sqlite-metrics.ts'
import { openHostAgents } from '../host-agents.ts'
import { openHostEndpoints } from '../host-endpoints.ts'
import { stateFolder } from '../state-folder.ts'
import type { HostStatus, Parts } from './parts.ts'
import { StartError } from './start-error.ts'
import { requireVolumes } from './volumes.ts'

/** After a start, how long requests wait for agents that should be there. Past it, their instances are `starting`. */
const SETTLE_MS = 10_000

interface RealOptions {
  readonly state: string
  readonly clock: Clock
  readonly log: Log
  readonly systemVersions: readonly string[]
}

export async function openRealParts(options: RealOptions): Promise<Parts> {
  try {
    return await openParts(options)
  } catch (error) {
    const reason = UNUSABLE[codeOf(error) ?? '']
    if (reason === undefined) throw error
    throw new StartError(
      `The state folder ${options.state} cannot be used: ${reason} (${messageOf(error)}).`,
      'Put that right, or start with another folder: npm start -- --state DIR',
      { cause: error },
    )
  }
}

/** What the codes of file errors mean for whoever chose the folder. */
const UNUSABLE: Readonly<Record<string, string>> = {
  EEXIST: 'there is a file in its place',
  ENOTDIR: 'there is a file in its place',
  EACCES: 'this account may not write there',
  EPERM: 'it belongs to another account',
  EROFS: 'its disk is read-only',
  ENOSPC: 'its disk is full',
  EDQUOT: 'its disk is full',
}

async function openParts({ state, clock, log, systemVersions }: RealOptions): Promise<Parts> {
  // Engines run under another account and must reach their folders; what is secret inside has its own mode.
  await makeFolder(state, { mode: 0o711 })
  const folder = stateFolder(state)
  const store = openStore(join(state, 'holdfast.sqlite'), clock)
  await makeFolder(folder.trust, { mode: 0o700 })
  await removeTree(folder.stopping)
  await requireVolumes(process.env, { state, clock })
  const metrics = await metricsIn(folder.metrics, clock, log)
  const hosts = await openHostAgents({ state, log, env: process.env })
  const endpoints = await openHostEndpoints({ state, log, env: process.env })
  return {
    store,
    hosts,
    metrics,
    endpoints,
    trustFolder: folder.trust,
    systemVersions,
    settle: (control) => settle(control, hosts),
    prewarm: (control) =>
      void prewarm(control).catch((error: unknown) =>
        log.warn({ error }, `prepare the first engine: ${messageOf(error)}`),
      ),
    status: () => status(hosts),
    async shutDown() {
      // Before anybody is looked for: who says who he is later than that sees this.
      await writeFileDurably(folder.stopping, '', { mode: 0o600 })
      await hosts.shutDownAll()
      await endpoints.shutDown()
    },
    async close() {
      endpoints.close()
      await hosts.close()
      await store.close()
      metrics.close()
    },
  }
}

/** A file that cannot be read is put aside: what was measured is not worth a start that fails. */
async function metricsIn(path: string, clock: Clock, log: Log): Promise<Metrics> {
  try {
    return openMetrics(path, clock)
  } catch (error) {
    log.warn({ error }, `the metrics cannot be read, and begin anew: ${messageOf(error)}`)
    await renameDurably(path, `${path}.damaged`)
    for (const part of ['-wal', '-shm']) await removeTree(path + part)
    return openMetrics(path, clock)
  }
}

function openStore(path: string, clock: Clock): Store {
  try {
    return openSqliteStore(path, clock)
  } catch (error) {
    if (error instanceof StoreBusyError)
      throw new StartError(
        `Another Holdfast is running on this state folder: ${messageOf(error)}`,
        'Use it, stop it with "holdfast stop", or start this one with another folder: npm start -- --state DIR --port N',
        { cause: error },
      )
    if (error instanceof StoreCorruptError)
      throw new StartError(messageOf(error), 'Put back a copy of the file, or start with another --state DIR.', {
        cause: error,
      })
    throw error
  }
}

/** The agents of all zones that have instances are roused at once, and waited for. */
async function settle(control: Control, hosts: ConnectedHosts): Promise<void> {
  const zones = await zonesInUse(control)
  const missing = new Set(zones.filter((zone) => hosts.status().find((s) => s.zone === zone)?.agentPid === undefined))
  if (missing.size === 0) return
  const all = Promise.withResolvers<void>()
  hosts.onReport((report) => {
    if (report.type === 'connected' && missing.delete(report.zone) && missing.size === 0) all.resolve()
  })
  for (const zone of missing) await hosts.rouse(zone)
  const patience = new AbortController()
  await Promise.race([all.promise, control.clock.sleep(SETTLE_MS, patience.signal).catch(() => {})])
  patience.abort(new Error('settled'))
}

/** Binaries and template of the version that an unspecific request gets: the first instance need not wait for them. */
async function prewarm(control: Control): Promise<void> {
  const { version } = resolveVersion(control, undefined)
  const zone = control.hosts.zones[0]!
  const jobId = `prewarm/${version}`
  await control.hosts.forgetJobs(zone, jobId)
  await control.hosts.startJob(zone, jobId, 'engine.prepare', { engine: 'postgres', version })
  // All of its certificates take a second of computing at the very first start; nobody should wait for that later.
  await control.authority.bundlePem()
}

async function status(hosts: ConnectedHosts): Promise<HostStatus[]> {
  return Promise.all(
    hosts.status().map(async ({ zone, agentPid, instances }) => {
      if (agentPid === undefined) return { zone, agent: null, instances }
      const { residentBytes } = await hosts.ask(zone, 'host.facts', {})
      return { zone, agent: { pid: agentPid, residentBytes }, instances }
    }),
  )
}
