/** Serve, started to die at a point of a flow. */
import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { startHoldfast, type Holdfast, type HoldfastOptions } from '../../support/holdfast.ts'

/** Many times what the slowest step takes: only a flow that never comes by its point meets it. */
const DEATH_MS = 120_000

/**
 * Starts serve, lets something be asked of it, and waits until it has killed itself at this point. A flow that was
 * resumed may come by before serve is ready.
 */
export async function killedBy(
  point: string,
  options: HoldfastOptions,
  ask: (holdfast: Holdfast) => Promise<void>,
): Promise<void> {
  let holdfast: Holdfast
  try {
    holdfast = await startHoldfast(options)
  } catch (error) {
    assert.match((error as Error).message, /^Holdfast ended \(SIGKILL\) before it was ready/)
    return
  }
  await ask(holdfast)
  const outcome = await Promise.race([holdfast.exited, setTimeout(DEATH_MS, 'alive', { ref: false })])
  if (outcome === 'alive') await holdfast.kill()
  assert.equal(outcome, 'SIGKILL', `serve came by ${point}:\n${holdfast.output()}`)
}
