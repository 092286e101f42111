/** What can go wrong with a DB cluster: an engine or an agent that dies or hangs. */
import { systemClock } from '#host/clock.ts'
import { signal } from './faults.ts'
import type { SeededRandom } from '../../support/random.ts'

export interface DbClusterFault {
  readonly name: string
  readonly member: 'writer' | 'reader'
  readonly victims: 'engine' | 'agent'
  readonly signal: 'SIGKILL' | 'SIGSTOP'
  readonly isEssential?: true
}

export const DB_CLUSTER_FAULTS: readonly DbClusterFault[] = [
  { name: 'kill the writer', member: 'writer', victims: 'engine', signal: 'SIGKILL', isEssential: true },
  { name: 'kill a reader', member: 'reader', victims: 'engine', signal: 'SIGKILL', isEssential: true },
  { name: 'hang the writer', member: 'writer', victims: 'engine', signal: 'SIGSTOP', isEssential: true },
  { name: 'hang a reader', member: 'reader', victims: 'engine', signal: 'SIGSTOP', isEssential: true },
  { name: "kill the writer's agent", member: 'writer', victims: 'agent', signal: 'SIGKILL', isEssential: true },
  { name: "kill a reader's agent", member: 'reader', victims: 'agent', signal: 'SIGKILL' },
  { name: "hang the writer's agent", member: 'writer', victims: 'agent', signal: 'SIGSTOP' },
]

/** Of what hangs: longer than it takes to be sure of it. Of all else a moment. */
const BORNE_MS_MAX = { SIGSTOP: 6_000, SIGKILL: 1_000 } as const

/** Ends the processes, or has them hang for a while. Gives how long that was borne. */
export async function strike(fault: DbClusterFault, pids: readonly number[], random: SeededRandom): Promise<number> {
  const borneMs = random.between(0, BORNE_MS_MAX[fault.signal])
  signal(pids, fault.signal)
  try {
    await systemClock.sleep(borneMs)
  } finally {
    if (fault.signal === 'SIGSTOP') signal(pids, 'SIGCONT')
  }
  return borneMs
}
