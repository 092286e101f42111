import type { Clock } from '#host/clock.ts'
import { SCRUB_EVERY_MS } from './limits.ts'
import type { MemberHome } from './member-home.ts'

/** Runs it again and again, so long after it last did. Gives what ends that. */
export function every(clock: Clock, spanMs: number, run: () => void): () => void {
  const next = (): ReturnType<Clock['after']> =>
    clock.after(spanMs, () => {
      run()
      timer = next()
    })
  let timer = next()
  return () => timer.cancel()
}

/** Now and then one of the members checks a part of its log: a disk has the same to do whatever their number. */
export function scrubInTurn(clock: Clock, homes: () => readonly MemberHome[]): () => void {
  let turn = 0
  return every(clock, SCRUB_EVERY_MS, () => {
    const all = homes()
    all[turn++ % all.length]?.opened?.scrub()
  })
}
