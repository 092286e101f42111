/** Real engines: state on disk, hosts that are agent processes. */
import { join } from 'node:path'
import { messageOf } from '#base/trouble.ts'
import { connectHosts, type ConnectedHosts } from '#control/connected-hosts.ts'
import type { Control } from '#control/control.ts'
import { zonesInUse } from '#control/db-instance/zones.ts'
import { resolveVersion } from '#control/db-instance/settings.ts'
import type { Clock } from '#host/clock.ts'
import { makeFolder } from '#host/disk.ts'
import { socketFolder } from '#host/net.ts'
import { createPrivateFile, readPrivateFile } from '#host/private-file.ts'
import { spawnDetached } from '#host/process.ts'
import { systemRandom } from '#host/random.ts'
import { openSqliteStore } from '#store/sqlite-store.ts'
import { StoreBusyError, StoreCorruptError, type Store } from '#store/store.ts'
import type { Log } from '#telemetry/log.ts'
import { VERSION } from '../version.ts'
import type { HostStatus, Parts } from './parts.ts'
import { StartError } from './start-error.ts'

/** Hosts of the embedded mode: three, as a region has zones; all are on this machine. */
const ZONES = ['a', 'b', 'c'] as const

/** After a start, how long requests wait for agents that should be there. Past it, their instances are `starting`. */
const SETTLE_MS = 10_000

export const CONTROL_SOCKET = 'control.sock'
const MAIN = new URL('../../main.ts', import.meta.url).pathname

interface RealOptions {
  readonly state: string
  readonly clock: Clock
  readonly log: Log
  readonly systemVersions: readonly string[]
}

export async function openRealParts({ state, clock, log, systemVersions }: RealOptions): Promise<Parts> {
  // Engines run under another account and must reach their folders; what is secret inside has its own mode.
  await makeFolder(state, { mode: 0o711 })
  const store = openStore(join(state, 'holdfast.sqlite'), clock)
  const trustFolder = join(state, 'trust')
  await makeFolder(trustFolder, { mode: 0o700 })
  const hosts = await connectHosts({
    socketPath: join(await socketFolder(join(state, 'run'), CONTROL_SOCKET), CONTROL_SOCKET),
    token: await agentToken(join(trustFolder, 'agent-token')),
    zones: ZONES,
    launch: (zone) => launchAgent(state, zone),
    version: VERSION,
    clock,
    log,
  })
  return {
    store,
    hosts,
    trustFolder,
    systemVersions,
    settle: (control) => settle(control, hosts),
    prewarm: (control) => void prewarm(control).catch((error: unknown) => log.warn({ error }, `prepare the first engine: ${messageOf(error)}`)),
    status: () => status(hosts),
    shutDown: () => hosts.shutDownAll(),
    async close() {
      await hosts.close()
      await store.close()
    },
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
      throw new StartError(messageOf(error), 'Put back a copy of the file, or start with another --state DIR.', { cause: error })
    throw error
  }
}

/** What agents show when they dial in; made once for a state folder, and readable by us alone. */
async function agentToken(path: string): Promise<string> {
  await createPrivateFile(path, systemRandom.bytes(32).toString('hex'))
  const token = await readPrivateFile(path)
  if (token === undefined) throw new Error(`read ${path}: it went away`)
  return token.trim()
}

async function launchAgent(state: string, zone: string): Promise<void> {
  const folder = join(state, 'hosts', zone)
  await makeFolder(folder, { mode: 0o711 })
  await spawnDetached(process.execPath, [MAIN, 'agent', '--state', state, '--az', zone], {
    outputPath: join(folder, 'agent.log'),
    cwd: state,
  })
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
  const { engine, version } = resolveVersion(control, undefined)
  const zone = control.hosts.zones[0]!
  const jobId = `prewarm/${version}`
  await control.hosts.forgetJobs(zone, jobId)
  await control.hosts.startJob(zone, jobId, 'engine.prepare', { engine, version })
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
