/** Many seeds on all cores, until so many are done, the time is up, or some were found wrong. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { systemClock } from '#host/clock.ts'
import type { Verdict } from './simulation.ts'

/** Enough to see whether they have one cause. */
const FAILURES_MAX = 5
const MINUTE_MS = 60_000

export interface SeedsAsked {
  readonly first: number
  /** How many; with `minutes` as many as there is time for. */
  readonly count: number
  readonly minutes: number
}

export interface SeedsDone {
  readonly simulated: number
  readonly failures: readonly Verdict[]
  /** How often what happened in all of them. */
  readonly counts: ReadonlyMap<string, number>
}

/** From the variables that `--seed` and `--minutes` set; undefined: neither was given. */
export function seedsAsked(env: NodeJS.ProcessEnv = process.env): SeedsAsked | undefined {
  const { HOLDFAST_FAULT_SEED: seed, HOLDFAST_FAULT_MINUTES: minutes = '0' } = env
  return seed === undefined ? undefined : { first: Number(seed), count: 1, minutes: Number(minutes) }
}

export async function simulateSeeds({ first, count, minutes }: SeedsAsked): Promise<SeedsDone> {
  const until = systemClock.monotonic() + minutes * MINUTE_MS
  const failures: Verdict[] = []
  const counts = new Map<string, number>()
  let [next, simulated] = [first, 0]
  const isOver = (): boolean =>
    failures.length >= FAILURES_MAX || (minutes > 0 ? systemClock.monotonic() >= until : next >= first + count)
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('seed-worker.ts', import.meta.url))
    const answers = answersOf(worker)
    while (!isOver()) {
      worker.postMessage(next++)
      const verdict = await answers()
      simulated++
      if (verdict.wrong.length > 0) failures.push(verdict)
      for (const [what, times] of verdict.counts) counts.set(what, (counts.get(what) ?? 0) + times)
    }
    await worker.terminate()
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return { simulated, failures, counts }
}

/** The next answer of a worker, which is asked for one at a time. Rejects when the worker breaks. */
function answersOf(worker: Worker): () => Promise<Verdict> {
  let [resolve, reject]: [(verdict: Verdict) => void, (error: Error) => void] = [() => {}, () => {}]
  worker.on('message', (verdict: Verdict) => resolve(verdict))
  worker.on('error', (error) => reject(error as Error))
  return () => new Promise((...settle) => ([resolve, reject] = settle))
}
