/** What can go wrong with an instance of two copies, and what is done to it. Afterwards it has both again. */
import { RebootDBInstanceCommand } from '@aws-sdk/client-rds'
import { processesOf } from '../../support/holdfast.ts'
import { treeOf } from '../../support/processes.ts'
import type { Deployment, RunningEngine } from './deployment.ts'
import { hang, killServe, killServeAndEngine, load, powerCut, signal, type Fault } from './faults.ts'

const STARTED = 'Multi-AZ instance failover started'
const COMPLETED = 'Multi-AZ instance failover completed'

/** Longer than it takes to be sure that what hangs hangs. */
const HANG_MS_MAX = 12_000

type Victims = (world: Deployment) => Promise<readonly number[]>

const kill = (name: string, victims: Victims, events: readonly string[] = []): Fault => ({
  name,
  events,
  async inject(world) {
    signal(await victims(world), 'SIGKILL')
    return undefined
  },
})

const agentOf = (world: Deployment, { zone }: RunningEngine): Promise<number> => world.agent(zone)

/** Of an engine, by the name that the process gives itself. */
async function processNamed(engine: RunningEngine, name: string): Promise<number[]> {
  const tree = new Set(await treeOf(engine.pid))
  const named = await processesOf(`: ${name}`)
  return named.map(({ pid }) => pid).filter((pid) => tree.has(pid))
}

const zoneIsLost: Victims = async (world) => {
  const primary = await world.primary()
  return [await agentOf(world, primary), ...(await treeOf(primary.pid))]
}

/** The next primary dies as soon as it is one. */
const twice: Fault = {
  name: 'kill the primary, and the next one',
  events: [STARTED],
  async inject(world) {
    const first = await world.primary()
    signal([first.pid], 'SIGKILL')
    return async () => {
      const second = await world.primary().catch(() => undefined)
      if (second && second.pid !== first.pid) signal([second.pid], 'SIGKILL')
    }
  },
}

/** Serve dies somewhere in the middle of a failover. */
const serveInFailover: Fault = {
  name: 'kill the primary, and serve while it decides',
  events: [],
  async inject(world) {
    signal([(await world.primary()).pid], 'SIGKILL')
    return async () => {
      await world.serve.kill()
      await world.startServe()
    }
  },
}

const forced: Fault = {
  name: 'reboot with failover',
  events: [STARTED, COMPLETED],
  async inject(world) {
    await world.rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'proof', ForceFailover: true }))
    return undefined
  },
}

const killEndpoint = kill('kill the gateway', async (world) => {
  const found = await processesOf(world.state)
  return found.filter(({ command }) => / endpoint( |$)/.test(command)).map(({ pid }) => pid)
})

const ESSENTIAL = new Set([
  'kill the primary',
  'kill the standby',
  'kill the zone of the primary',
  'hang the primary',
  'kill the gateway',
  'kill the primary, and serve while it decides',
  'reboot with failover',
])

const faults: readonly Fault[] = [
  kill('kill the primary', async (world) => [(await world.primary()).pid], [STARTED, COMPLETED]),
  kill('kill the standby', async (world) => [(await world.standby()).pid]),
  kill('kill the zone of the primary', zoneIsLost),
  kill("kill the primary's agent", async (world) => [await agentOf(world, await world.primary())]),
  kill("kill the standby's agent", async (world) => [await agentOf(world, await world.standby())]),
  ...[
    hang('hang the primary', async (world) => treeOf((await world.primary()).pid)),
    hang("hang the primary's postmaster", async (world) => [(await world.primary()).pid]),
    hang('hang the standby', async (world) => treeOf((await world.standby()).pid)),
    hang('hang what sends the log', async (world) => processNamed(await world.primary(), 'walsender')),
    hang('hang what receives the log', async (world) => processNamed(await world.standby(), 'walreceiver')),
    hang("hang the primary's agent", async (world) => [await agentOf(world, await world.primary())]),
  ].map((fault) => ({ ...fault, borneMsMax: HANG_MS_MAX })),
  killEndpoint,
  killServe,
  killServeAndEngine('kill serve and the primary'),
  serveInFailover,
  twice,
  forced,
  powerCut,
  { ...load, never: [STARTED] },
]

export const multiAzFaults: readonly Fault[] = faults.map((fault) =>
  ESSENTIAL.has(fault.name) ? { ...fault, isEssential: true } : fault,
)
