import { eventually } from './eventually.ts'
import type { SimulatedControl } from './simulated-control.ts'

/**
 * Lets time pass until what was asked for is done. That may take other threads (a password's verifier is made there),
 * which no simulated clock knows of: after many rounds each is given a moment of real time, too.
 */
export async function inTime<R>(control: SimulatedControl, asked: Promise<R>): Promise<R> {
  let isOver = false
  void asked.finally(() => (isOver = true)).catch(() => {})
  const pass = async (): Promise<true | undefined> => {
    if (!isOver) await control.clock.advance(10_000)
    return isOver || undefined
  }
  for (let round = 0; !isOver && round < 200; round++) await pass()
  await eventually('what was asked for is done', pass)
  return asked
}
