/** How long a proof goes on, and with which seed: a short selection, or a soak of so many minutes. */
import { systemClock } from '#host/clock.ts'
import type { Deployment } from './deployment.ts'
import type { Fault } from './faults.ts'
import { runRound } from './nemesis.ts'
import { SeededRandom } from '../../support/random.ts'
import { bank } from './workloads/bank.ts'
import { consumer } from './workloads/consumer.ts'
import { insertSet } from './workloads/insert-set.ts'
import { listAppend } from './workloads/list-append.ts'
import { objects } from './workloads/objects.ts'
import { relaxedCommits } from './workloads/relaxed.ts'
import type { Workload } from './workloads/workload.ts'

/** Of a short selection: the same in every run, so that a failure is one of the code. */
const SEED_DEFAULT = 1

/** Faults of one round of a soak. */
const FAULTS_EACH = 8

const MINUTE_MS = 60_000

const writerWorkloads = (): Workload[] => [
  insertSet(),
  bank(),
  listAppend({ isolation: 'SERIALIZABLE', model: 'serializable', table: 'lists' }),
  listAppend({ isolation: 'REPEATABLE READ', model: 'snapshot-isolation', table: 'snapshot_lists' }),
  objects(),
  relaxedCommits(),
  consumer(),
]

export interface Proof {
  readonly seed: number
  readonly minutes: number
}

/** From HOLDFAST_FAULT_SEED and HOLDFAST_FAULT_MINUTES, which `npm run test:fault -- --seed S --minutes N` sets. */
export function proofAsked(env: NodeJS.ProcessEnv = process.env): Proof {
  return {
    seed: Number(env['HOLDFAST_FAULT_SEED'] ?? SEED_DEFAULT),
    minutes: Number(env['HOLDFAST_FAULT_MINUTES'] ?? 0),
  }
}

/**
 * Each of the essential faults once in an order of the seed; in a soak, rounds of faults drawn from all until the time is
 * over. Gives what was wrong in the first round that was not right.
 */
export async function prove(world: Deployment, faults: readonly Fault[], { seed, minutes }: Proof): Promise<string[]> {
  const random = new SeededRandom(seed)
  const until = systemClock.monotonic() + minutes * MINUTE_MS
  const log = (line: string): void => console.log(line)
  for (let n = 1; n === 1 || systemClock.monotonic() < until; n++) {
    const drawn =
      minutes > 0
        ? Array.from({ length: FAULTS_EACH }, () => random.pick(faults))
        : shuffled(
            faults.filter(({ isEssential }) => isEssential),
            random,
          )
    log(`round ${n}, seed ${seed}`)
    const complaints = await runRound({
      world,
      workloads: writerWorkloads(),
      faults: drawn,
      random: random.fork(),
      database: `round_${n}`,
      log,
    })
    if (complaints.length > 0) return [`seed ${seed}, round ${n}`, ...complaints]
  }
  return []
}

export function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const rest = [...items]
  return items.map(() => rest.splice(random.between(0, rest.length - 1), 1)[0]!)
}
