/** The agents of this machine, as serve starts and reaches them. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Log } from '#base/log.ts'
import { connectHosts } from '#control/connected-hosts.ts'
import type { ConnectedHosts } from '#control/connected-hosts.ts'
import { systemClock } from '#host/clock.ts'
import { makeFolder, readText, writeFileDurably } from '#host/disk.ts'
import { socketFolder } from '#host/net.ts'
import { isAlive, signal, spawnDetached, whenGone, type ProcessIdentity, type RunningProcess } from '#host/process.ts'
import { systemRandom } from '#host/random.ts'
import { environmentOf } from './process-environment.ts'
import { roomyLog } from './roomy-log.ts'
import { AGENT_SOCKET, stateFolder, type StateFolder } from './state-folder.ts'
import { VERSION } from './version.ts'

/** Availability zones of a machine that runs all of Holdfast. */
const ZONES = ['a', 'b', 'c'] as const

export interface HostAgentsOptions {
  /** Absolute path of the state folder, which exists. */
  readonly state: string
  readonly log: Log
  /** What runs as an agent; default: this program. It gets `--state` and `--az`. */
  readonly program?: readonly string[]
  /** Environment of this process, of which agents get a part. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Listens for agents and starts them when they are needed. The caller closes it, which leaves agents running. */
export async function openHostAgents(options: HostAgentsOptions): Promise<ConnectedHosts> {
  const { state, log } = options
  const folder = stateFolder(state)
  const sockets = await socketFolder(folder.run, AGENT_SOCKET)
  const env = environmentOf(options.env)
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  const program = options.program ?? [process.execPath, main, 'agent']
  const launched = new Set<string>()
  const running = new Set<RunningProcess>()
  const launching = new Set<Promise<void>>()
  let stopping = false
  const start = async (zone: string): Promise<void> => {
    const home = folder.host(zone)
    // Engines run under another account and pass through on the way to their volumes.
    await makeFolder(join(state, 'hosts'), { mode: 0o711 })
    await makeFolder(home, { mode: 0o711 })
    const outputPath = await roomyLog(join(home, 'agent.log'))
    const [command, ...args] = [...program, '--state', state, '--az', zone]
    // An agent that was killed at a crash point must not be killed there again.
    const { HOLDFAST_CRASH_AT: crashAt, ...plain } = env
    const again = crashAt === undefined || launched.has(zone)
    launched.add(zone)
    if (stopping) return
    const agent = await spawnDetached(command!, args, { env: again ? plain : env, outputPath })
    running.add(agent)
    void agent.exited.then(() => running.delete(agent))
    log.info({ zone, pid: agent.pid }, 'started an agent')
  }
  const hosts = await connectHosts({
    socketPath: join(sockets, AGENT_SOCKET),
    token: await agentToken(folder.run, folder.agentToken),
    zones: ZONES,
    version: VERSION,
    clock: systemClock,
    log,
    launch(zone) {
      const launch = start(zone).finally(() => launching.delete(launch))
      launching.add(launch)
      return launch
    },
  })
  return {
    ...hosts,
    async shutDownAll() {
      stopping = true
      await Promise.allSettled(launching)
      await hosts.shutDownAll()
      // One that was started beside another, and has not found out yet, would take the other's place now; and one that
      // an earlier serve left may not have dialled in yet.
      const others = [...running, ...(await unconnectedAgents(folder))]
      for (const agent of others) signal(agent, 'SIGTERM')
      await Promise.all(others.map(whenGone))
    },
  }
}

/** Agents that still run, whoever started them. */
async function unconnectedAgents(folder: StateFolder): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = []
  for (const zone of ZONES) {
    const text = await readText(folder.agentIdentity(zone))
    if (text === undefined) continue
    const identity = JSON.parse(text) as ProcessIdentity
    if (isAlive(identity)) found.push(identity)
  }
  return found
}

/** Made once for a state folder, so that agents which outlive serve find the next one. */
async function agentToken(folder: string, file: string): Promise<string> {
  const known = await readText(file)
  if (known !== undefined && known !== '') return known
  const token = systemRandom.bytes(32).toString('hex')
  await makeFolder(folder, { mode: 0o700 })
  await writeFileDurably(file, token, { mode: 0o600 })
  return token
}
