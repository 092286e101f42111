/** Clients at work: each does one operation after the other, over whatever becomes of its connections. */
import { systemClock } from '#host/clock.ts'
import type { SeededRandom } from '../../support/random.ts'
import { Session, type Endpoint } from './session.ts'
import type { Workload } from './workloads/workload.ts'

/** Between two operations of a client: enough traffic to meet every fault, few enough operations to be judged. */
const THINK_MS_MAX = 15

export interface Traffic {
  /** Operations that were acknowledged, by workload. */
  acknowledged(): number[]
  /** Resolves when every client has finished what it was doing. */
  stop(): Promise<void>
}

export interface TrafficOptions {
  readonly workloads: readonly Workload[]
  readonly endpoint: Endpoint
  readonly clientsEach: number
  readonly random: SeededRandom
}

export async function startTraffic({ workloads, endpoint, clientsEach, random }: TrafficOptions): Promise<Traffic> {
  const setUp = new Session(endpoint)
  for (const workload of workloads) await workload.setUp(setUp)
  await setUp.close()
  let stopping = false
  let clients = 0
  const work = async (workload: Workload): Promise<void> => {
    const client = { process: clients++, random: random.fork() }
    const session = new Session(endpoint)
    try {
      while (!stopping) {
        await workload.step(session, client)
        await systemClock.sleep(client.random.between(0, THINK_MS_MAX))
      }
    } finally {
      await session.close()
    }
  }
  const running = workloads.flatMap((workload) => Array.from({ length: clientsEach }, () => work(workload)))
  return {
    acknowledged: () => workloads.map((workload) => workload.acknowledged()),
    async stop() {
      stopping = true
      await Promise.all(running)
    },
  }
}
