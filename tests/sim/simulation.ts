/** One seed from beginning to verdict: faults for a while, then none, until all is well or time is up. */
import { judge } from './checkers.ts'
import { mendAll, Nemesis } from './nemesis.ts'
import { World, type Mistakes } from './world.ts'

/** Virtual time that everything has to come right in, once nothing is broken on purpose any more. */
const SETTLE_MS = 60_000
const LOOK_MS = 100
/** Many times what a simulation takes: whoever needs more goes round in circles. */
const EVENTS_MAX = 200_000

export interface Verdict {
  readonly seed: number
  /** None: all is well. */
  readonly wrong: readonly string[]
  /** How often what happened. */
  readonly counts: ReadonlyMap<string, number>
}

export interface SimulationOptions {
  readonly mistakes?: Mistakes
  readonly trace?: (line: string) => void
  /** Sees what is left, before it is judged. */
  readonly seen?: (world: World) => void
}

export function simulate(seed: number, options: SimulationOptions = {}): Verdict {
  const world = new World(seed, options)
  const { scheduler, history, random } = world
  const nemesis = new Nemesis(world, random.fork())
  nemesis.haunt()
  const isBroken = (): boolean => world.isBroken || scheduler.events > EVENTS_MAX
  scheduler.runUntil(nemesis.spanMs, isBroken)
  if (!isBroken()) {
    mendAll(world)
    world.say('mended')
    settle(world, isBroken)
  }
  options.seen?.(world)
  const wrong = judge(history.events, world.finalState())
  if (scheduler.events > EVENTS_MAX) wrong.unshift('endless: it does not come to rest')
  for (const what of wrong) world.trace?.(what)
  world.counts.set('events', scheduler.events)
  world.counts.set('acknowledged', history.events.filter(({ type }) => type === 'acknowledged').length)
  return { seed, wrong, counts: world.counts }
}

/** First the volume has to be writable, by a commit made from here on; then all copies and readers have to have it. */
function settle(world: World, isBroken: () => boolean): void {
  const { scheduler } = world
  const deadline = scheduler.now + SETTLE_MS
  const reach = (isThere: () => boolean): void => {
    while (!isThere() && !isBroken() && scheduler.now < deadline) scheduler.runUntil(scheduler.now + LOOK_MS, isBroken)
  }
  world.isCalm = true
  do {
    reach(() => world.isWhole)
    writeOnce(world, reach)
    reach(() => world.isSettled)
    // What flips of bits did is found by whoever reads it, and then mended.
  } while (!isBroken() && scheduler.now < deadline && !world.isReadable)
}

function writeOnce(world: World, reach: (isThere: () => boolean) => void): void {
  const open = world.openWriter
  if (!open) return
  const { commits } = open.writer
  open.writer.writeOnce()
  reach(() => open.writer.commits > commits || world.openWriter !== open)
}
