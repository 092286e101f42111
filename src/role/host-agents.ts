/** The agents of this machine, as serve starts and reaches them. */
import { join } from 'node:path'
import type { Log } from '#base/log.ts'
import { connectHosts } from '#control/connected-hosts.ts'
import type { ConnectedHosts } from '#control/connected-hosts.ts'
import { systemClock } from '#host/clock.ts'
import { makeFolder, readText, writeFileDurably } from '#host/disk.ts'
import { socketFolder } from '#host/net.ts'
import { isAlive, signal, spawnDetached, whenGone, type ProcessIdentity, type RunningProcess } from '#host/process.ts'
import { systemRandom } from '#host/random.ts'
import { MAIN_FILE } from './main-file.ts'
import { environmentOf } from './process-environment.ts'
import { roomyLog } from './roomy-log.ts'
import { AGENT_SOCKET, stateFolder, type StateFolder } from './state-folder.ts'
import { VERSION } from './version.ts'

/** Availability zones of a machine that runs all of Holdfast. */
const ZONES = ['a', 'b', 'c'] as const

/** Pause between looks whether an agent that shall stop engines has taken them over. */
const TAKEOVER_LOOK_MS = 20

export interface HostAgentsOptions {
  /** Absolute path of the state folder, which exists. */
  readonly state: string
  readonly log: Log
  /** What runs as an agent; default: this program. It gets `--state`, `--az`, and `--takes-over` where it is to stop engines. */
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
  const program = options.program ?? [process.execPath, MAIN_FILE, 'agent']
  const starts = new Map<string, number>()
  const running = new Set<RunningProcess>()
  const launching = new Set<Promise<void>>()
  let stopping = false
  const start = async (zone: string, toStop = false): Promise<RunningProcess | undefined> => {
    const home = folder.host(zone)
    // Engines run under another account and pass through on the way to their volumes.
    await makeFolder(join(state, 'hosts'), { mode: 0o711 })
    await makeFolder(home, { mode: 0o711 })
    const outputPath = await roomyLog(join(home, 'agent.log'))
    const [command, ...args] = [...program, '--state', state, '--az', zone, ...(toStop ? ['--takes-over'] : [])]
    // An agent that was killed at a crash point must not be killed there again.
    const { HOLDFAST_CRASH_AT: points, ...plain } = env
    const earlier = starts.get(zone) ?? 0
    starts.set(zone, earlier + 1)
    const crashAt = points?.split(',').slice(earlier).join(',')
    if (stopping && !toStop) return undefined
    const agent = await spawnDetached(command!, args, {
      env: crashAt ? { ...plain, HOLDFAST_CRASH_AT: crashAt } : plain,
      outputPath,
    })
    running.add(agent)
    void agent.exited.then(() => running.delete(agent))
    log.info({ zone, pid: agent.pid }, 'started an agent')
    return agent
  }
  const hosts = await connectHosts({
    socketPath: join(sockets, AGENT_SOCKET),
    token: await agentToken(folder.run, folder.agentToken),
    zones: ZONES,
    version: VERSION,
    clock: systemClock,
    log,
    launch(zone) {
      const launch = start(zone).then(() => {})
      const settled = launch.finally(() => launching.delete(settled))
      launching.add(settled)
      return settled
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
      const others = [...running, ...(await lastAgents(folder)).map(({ agent }) => agent).filter(isAlive)]
      for (const agent of others) signal(agent, 'SIGTERM')
      await Promise.all(others.map(whenGone))
      // One that died, before or on its way, has left engines: another takes them over, and stops them.
      const abandoned = await lastAgents(folder)
      const finish = async (zone: string): Promise<void> => {
        try {
          await endOnceInCharge(folder, zone, await start(zone, true))
        } catch (error) {
          log.error({ zone, error }, 'engines without an agent could not be stopped')
        }
      }
      await Promise.all(abandoned.map(({ zone }) => finish(zone)))
    },
  }
}

/** Agents that have not ended in order, whoever started them: they run, or have died. */
async function lastAgents(folder: StateFolder): Promise<{ zone: string; agent: ProcessIdentity }[]> {
  const found: { zone: string; agent: ProcessIdentity }[] = []
  for (const zone of ZONES) {
    const text = await readText(folder.agentIdentity(zone))
    if (text !== undefined) found.push({ zone, agent: JSON.parse(text) as ProcessIdentity })
  }
  return found
}

/** Resolves when the agent has ended. Before it has written who it is, it would leave without stopping anything. */
async function endOnceInCharge(folder: StateFolder, zone: string, agent: RunningProcess | undefined): Promise<void> {
  if (!agent) return
  const isInCharge = async (): Promise<boolean> =>
    (await lastAgents(folder)).some((last) => last.zone === zone && last.agent.pid === agent.pid)
  while (isAlive(agent) && !(await isInCharge())) await systemClock.sleep(TAKEOVER_LOOK_MS)
  signal(agent, 'SIGTERM')
  await whenGone(agent)
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
