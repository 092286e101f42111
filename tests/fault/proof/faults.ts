/** What can go wrong, as data: each fault is begun, borne for a while, and mended. */
import { spawn, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { once } from 'node:events'
import { processesOf } from '../../support/holdfast.ts'
import { treeOf } from '../../support/processes.ts'
import type { Deployment } from './deployment.ts'
import type { SeededRandom } from '../../support/random.ts'

export interface Fault {
  readonly name: string
  /** Makes it happen. What it gives mends it; what mends by itself gives nothing. */
  inject(world: Deployment, random: SeededRandom): Promise<(() => Promise<void>) | undefined>
  /** How the messages begin of events that must have been recorded once it is over. */
  readonly events: readonly string[]
  /** Whether it is in the short selection that every run has. */
  readonly isEssential?: true
  /** How long it may be borne, where that is more than a moment. */
  readonly borneMsMax?: number
  /** Of events that must not have been. */
  readonly never?: readonly string[]
}

/** A signal to processes that may have gone in the meantime. */
export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
}

const killEngine: Fault = {
  name: 'kill the engine',
  isEssential: true,
  events: ['Recovery of the DB instance has started', 'Recovery of the DB instance is complete'],
  async inject(world) {
    signal([(await world.primary()).pid], 'SIGKILL')
    return undefined
  },
}

/** The postmaster then ends all others and recovers; its agent sees nothing of it. */
const killOneOfTheEngine: Fault = {
  name: 'kill a process of the engine',
  isEssential: true,
  events: [],
  async inject(world, random) {
    const [, ...others] = await treeOf((await world.primary()).pid)
    signal([random.pick(others)], 'SIGKILL')
    return undefined
  },
}

export const hang = (name: string, pidsOf: (world: Deployment) => Promise<number[]>): Fault => ({
  name,
  events: [],
  async inject(world) {
    const pids = await pidsOf(world)
    signal(pids, 'SIGSTOP')
    return async () => signal(pids, 'SIGCONT')
  },
})

const killAgent: Fault = {
  name: 'kill the agent',
  events: [],
  async inject(world) {
    signal([await world.agent((await world.primary()).zone)], 'SIGKILL')
    return undefined
  },
}

const killAgentAndEngine: Fault = {
  name: 'kill the agent and the engine',
  isEssential: true,
  events: [],
  async inject(world) {
    const { zone, pid } = await world.primary()
    signal([await world.agent(zone), pid], 'SIGKILL')
    return undefined
  },
}

export const killServe: Fault = {
  name: 'kill serve',
  events: [],
  async inject(world) {
    await world.serve.kill()
    return () => world.startServe()
  },
}

/** Serve is gone while the engine goes: nobody decides before it is back. */
export const killServeAndEngine = (name: string): Fault => ({
  name,
  events: [],
  async inject(world) {
    const { pid } = await world.primary()
    await world.serve.kill()
    signal([pid], 'SIGKILL')
    return () => world.startServe()
  },
})

/** Everything that Holdfast started, at once. What the disk was told to keep is kept: this is no test of disks. */
export const powerCut: Fault = {
  name: 'power cut',
  isEssential: true,
  events: [],
  async inject(world) {
    const roots = (await processesOf(world.state)).map(({ pid }) => pid)
    const pids = (await Promise.all(roots.map(treeOf))).flat()
    await world.serve.kill()
    signal(pids, 'SIGKILL')
    return () => world.startServe()
  },
}

/** Twice as many busy processes as there are cores: everything is slow, and nothing is wrong. */
export const load: Fault = {
  name: 'full load on all cores',
  events: [],
  async inject() {
    const busy = Array.from({ length: availableParallelism() * 2 }, () =>
      spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
    )
    return async () => {
      await Promise.all(busy.map(ended))
    }
  },
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/** Of one engine in one zone. */
export const singleAzFaults: readonly Fault[] = [
  killEngine,
  killOneOfTheEngine,
  hang('hang the postmaster', async (world) => [(await world.primary()).pid]),
  hang('hang the engine', async (world) => treeOf((await world.primary()).pid)),
  killAgent,
  killAgentAndEngine,
  killServe,
  { ...killServeAndEngine('kill serve and the engine'), isEssential: true },
  powerCut,
  load,
]
