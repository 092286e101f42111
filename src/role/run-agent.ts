/** One agent process over whatever engine drivers it is given: `agent.ts` gives the real ones. */
import { join } from 'node:path'
import { serveRequests } from '#agent/connection.ts'
import type { Farewell } from '#agent/connection.ts'
import { createAgent } from '#agent/agent.ts'
import { headProcesses } from '#agent/head-processes.ts'
import { diskVolumes } from '#agent/disk-volumes.ts'
import { archiveLocation, openArchive } from '#archive/open-archive.ts'
import type { Log } from '#base/log.ts'
import type { EngineDriver } from '#engine/engine.ts'
import { engineAccount } from '#host/account.ts'
import type { Account } from '#host/account.ts'
import { systemClock } from '#host/clock.ts'
import { openControlGroups, type ControlGroups } from '#host/control-groups.ts'
import { exists, makeFolder, readText, removeTree, writeFileDurably } from '#host/disk.ts'
import { startTimeOf, type ProcessIdentity } from '#host/process.ts'
import { dial, socketFolder } from '#host/net.ts'
import type { EngineName } from '#wire/agent/messages.ts'
import { capacityKind } from './capacity-kind.ts'
import { launchEndpoint, watchEndpoint } from './endpoint-process.ts'
import { openHostLogNode } from './lognode-process.ts'
import { MAIN_FILE } from './main-file.ts'
import { environmentOf } from './process-environment.ts'
import { openUnlessTaken } from './open-unless-taken.ts'
import { AGENT_SOCKET, stateFolder } from './state-folder.ts'
import { VERSION } from './version.ts'
import { volumeKind } from './volume-kind.ts'

export interface AgentProcessOptions {
  /** Absolute path of the state folder. */
  readonly state: string
  readonly az: string
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
  /** It is started to stop what another left, also while everything is being stopped. */
  readonly takesOver?: boolean | undefined
  /** What runs as a head; default: this program. */
  readonly headProgram?: readonly string[]
  readonly drivers: (account: Account | undefined) => Promise<Readonly<Record<EngineName, EngineDriver>>>
}

/**
 * Looks after one host until it is told to end; resolves then. Resolves at once when another agent has the host:
 * the lock on the table's file makes sure that there is never more than one.
 */
export async function runAgentProcess(options: AgentProcessOptions): Promise<void> {
  const { state, az, log, env } = options
  const folder = stateFolder(state)
  const home = folder.host(az)
  await makeFolder(home, { mode: 0o711 })
  const store = openUnlessTaken(join(home, 'agent.sqlite'))
  if (!store) return log.info({}, 'another agent looks after this host')
  // From here on an order to end has to stop engines; whoever finds the identity may give it.
  const terminated = termination()
  const identity: ProcessIdentity = { pid: process.pid, startedAt: startTimeOf(process.pid) ?? '' }
  await writeFileDurably(folder.agentIdentity(az), JSON.stringify(identity), { mode: 0o600 })
  // Serve, which may have been started after this was, either finds the identity or has left word before.
  if (!options.takesOver && (await exists(folder.stopping))) return log.info({}, 'everything here is being stopped')
  log.info({ pid: process.pid, version: VERSION }, 'agent started')
  watchEndpoint(folder, () => launchEndpoint(folder, withoutCrashPoint(env), log), { clock: systemClock, log })
  const account = await engineAccount(env)
  const agent = await createAgent({
    az,
    store,
    drivers: await options.drivers(account),
    volumes: await diskVolumes({
      host: home,
      snapshots: folder.snapshots,
      account,
      clock: systemClock,
      makesVolumes: volumeKind(env['HOLDFAST_VOLUMES']) === 'loop',
    }),
    clock: systemClock,
    log,
    probes: true,
    logNode: await openHostLogNode({ folder, az, env: withoutCrashPoint(env), log }),
    groups: await controlGroups(env, log),
    heads: headProcesses({
      folder: folder.heads(az),
      program: options.headProgram ?? [process.execPath, MAIN_FILE, 'head'],
      env: withoutCrashPoint(env),
      version: VERSION,
      clock: systemClock,
      log,
    }),
    archive: await openArchive(archiveLocation(env['HOLDFAST_ARCHIVE'], folder.archive), systemClock.now()),
  })
  const told = await Promise.race([
    serveRequests({
      agent,
      dial: async () => dial({ path: join(await socketFolder(folder.run, AGENT_SOCKET), AGENT_SOCKET) }),
      token: async () => (await readText(folder.agentToken)) ?? '',
      version: VERSION,
      clock: systemClock,
      log,
    }),
    terminated,
  ])
  log.info({ why: told.farewell }, 'agent ends')
  // One that has nothing to do puts down what it still holds of stopped instances.
  if (told.farewell === 'retire') await agent.retire()
  else await agent.shutDown()
  // While it is there, engines may run without an agent.
  if (told.farewell !== 'retire') await removeTree(folder.agentIdentity(az))
  told.close()
}

/** What is limited is told: whoever wonders why an instance is slow finds it in the log. */
async function controlGroups(env: AgentProcessOptions['env'], log: Log): Promise<ControlGroups | undefined> {
  if (capacityKind(env['HOLDFAST_CAPACITY']) === 'settings') return undefined
  const groups = await openControlGroups()
  log.info({ limited: groups?.controllers ?? [] }, 'what serverless engines are held to by the kernel')
  return groups
}

function withoutCrashPoint(env: AgentProcessOptions['env']): Record<string, string> {
  const { HOLDFAST_CRASH_AT: _, ...plain } = environmentOf(env)
  return plain
}

/** An ordinary kill stops the engines in order. Ctrl-C and a closed terminal are for serve, which then says what to do. */
function termination(): Promise<{ farewell: Farewell; close(): void }> {
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve({ farewell: 'shut-down', close: () => {} }))
  })
}
