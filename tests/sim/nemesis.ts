/** Faults as data, drawn from the seed: which kinds there are in this run, how often, and what each does. */
import type { SeededRandom } from '../support/random.ts'
import type { LogNode, Seat } from './log-node.ts'
import type { SimulatedProcess } from './scheduler.ts'
import { HOSTS, type World } from './world.ts'
import type { WriterHost } from './writer-host.ts'

/** At most so many members of a configuration may lose what they had at once: a third one would leave no write quorum. */
const LOSSES_MAX = 2

interface Fault {
  readonly name: string
  /** How often it is drawn, beside the others. */
  readonly weight: number
  /** False: it cannot be now. */
  strike(world: World, random: SeededRandom): boolean | void
}

const FAULTS: readonly Fault[] = [
  { name: 'kill writer', weight: 3, strike: (world, random) => withWriter(world, random, (one) => one.end('kill')) },
  {
    name: 'writer loses power',
    weight: 1,
    strike: (world, random) => withWriter(world, random, (one) => one.end('power')),
  },
  { name: 'kill next writer', weight: 4, strike: (world, random) => void (world.lifeMs = random.between(0, 60)) },
  { name: 'kill head', weight: 3, strike: killHead },
  { name: 'stop writer', weight: 3, strike: stopWriter },
  { name: 'kill log node', weight: 4, strike: (world, random) => endNode(world, random.pick(world.nodes), 'kill') },
  {
    name: 'log node loses power',
    weight: 4,
    strike: (world, random) => endNode(world, random.pick(world.nodes), 'power'),
  },
  { name: 'power cut', weight: 1, strike: powerCut },
  { name: 'stop log node', weight: 3, strike: stopNode },
  { name: 'cut one way', weight: 4, strike: (world, random) => cut(world, random, 1) },
  { name: 'cut both ways', weight: 3, strike: (world, random) => cut(world, random, 2) },
  { name: 'isolate', weight: 2, strike: isolate },
  { name: 'split', weight: 6, strike: split },
  { name: 'slow link', weight: 3, strike: slowLink },
  { name: 'mend network', weight: 1, strike: (world) => world.network.mend() },
  {
    name: 'break session',
    weight: 6,
    strike: (world, random) => world.network.breakOne(random.pick(everybody(world))),
  },
  { name: 'slow disk', weight: 3, strike: (world, random) => trouble(world, random, 'slow') },
  { name: 'full disk', weight: 2, strike: (world, random) => trouble(world, random, 'full') },
  { name: 'failing disk', weight: 1, strike: failingDisk },
  { name: 'bit flip', weight: 2, strike: flip },
  { name: 'lose disk', weight: 1, strike: loseDisk },
  { name: 'take epoch', weight: 3, strike: (world) => world.control.takeEpoch() },
  { name: 'take two epochs', weight: 2, strike: takeTwo },
  { name: 'replace member', weight: 3, strike: replace },
  { name: 'go back', weight: 1, strike: (world) => world.control.goBack() },
  { name: 'store down', weight: 1, strike: storeDown },
  { name: 'prune', weight: 5, strike: (world, random) => world.prune(random) },
  { name: 'wander', weight: 3, strike: (world, random) => random.pick(world.readers).wander() },
]

/** What a run is about, most of the time: who writes, and who knows of it. */
const ELECTIONS = ['split', 'isolate', 'take epoch', 'kill writer', 'kill next writer', 'power cut']

export class Nemesis {
  private readonly world: World
  private readonly random: SeededRandom
  private readonly faults: readonly Fault[]
  private readonly gapMs: number
  readonly spanMs: number

  constructor(world: World, random: SeededRandom) {
    this.world = world
    this.random = random
    // A run with few kinds of faults goes deeper into what they do than one with all.
    const share = random.pick([0.1, 0.3, 0.6, 1])
    const some = FAULTS.filter(({ name }) => random.chance(ELECTIONS.includes(name) ? Math.max(share, 0.6) : share))
    this.faults = some.length > 0 ? some : FAULTS
    this.gapMs = random.pick([60, 200, 500, 500])
    this.spanMs = this.gapMs * random.between(8, 24)
  }

  /** Strikes for a while. */
  haunt(): void {
    const { world, random } = this
    const untilMs = world.scheduler.now + this.spanMs
    const turn = (): void => {
      if (world.scheduler.now >= untilMs) return
      const fault = this.draw()
      if (fault.strike(world, random) !== false) world.say(`fault: ${fault.name}`)
      world.scheduler.after(this.gapMs * 2 * random.fraction(), turn)
    }
    world.scheduler.after(this.gapMs, turn)
  }

  private draw(): Fault {
    const { faults, random } = this
    let left = random.fraction() * faults.reduce((sum, { weight }) => sum + weight, 0)
    return faults.find(({ weight }) => (left -= weight) < 0) ?? faults[0]!
  }
}

/** Everything that can be mended is: from here on all must come right by itself. */
export function mendAll(world: World): void {
  world.network.mend()
  world.control.isStoreDown = false
  for (const node of world.nodes) {
    node.process?.resume()
    node.start()
  }
  for (const writer of world.writers.values()) {
    writer.headProcess?.resume()
    writer.writer.process.resume()
    writer.startHead()
  }
  for (const { disk } of world.seats) if (disk.trouble !== 'failing') disk.trouble = 'none'
}

function withWriter(world: World, random: SeededRandom, strike: (writer: WriterHost) => void): boolean {
  const alive = [...world.writers.values()].filter((one) => one.isAlive)
  if (alive.length === 0) return false
  strike(random.pick(alive))
  return true
}

function killHead(world: World, random: SeededRandom): boolean {
  return withWriter(world, random, (writer) => {
    writer.endHead('kill')
    world.scheduler.after(random.between(5, 400), () => writer.startHead())
  })
}

function stopWriter(world: World, random: SeededRandom): boolean {
  return withWriter(world, random, (writer) => {
    // The whole machine, or the engine. Of a head that hangs while its writer serves nobody here would know.
    const some = random.chance(0.6) ? [writer.headProcess, writer.writer.process] : [writer.writer.process]
    stopFor(world, some, random.pick([random.between(10, 300), random.between(300, 8000)]))
  })
}

function stopNode(world: World, random: SeededRandom): void {
  const { process } = random.pick(world.nodes)
  stopFor(world, [process], random.pick([random.between(10, 300), random.between(300, 5000)]))
}

function stopFor(world: World, processes: readonly (SimulatedProcess | undefined)[], spanMs: number): void {
  for (const process of processes) {
    if (!process || process.stopped) continue
    process.stop()
    world.scheduler.after(spanMs, () => process.resume())
  }
}

function endNode(world: World, node: LogNode, how: 'kill' | 'power'): boolean {
  if (!node.process) return false
  node.end(how)
  world.scheduler.after(world.random.pick([5, 50, 500, 2500]) * (0.5 + world.random.fraction()), () => node.start())
  return true
}

function powerCut(world: World): void {
  for (const node of world.nodes) endNode(world, node, 'power')
  for (const writer of world.writers.values()) if (writer.isAlive) writer.end('power')
}

/** Everybody at the ends of links: heads and readers by their host, members by themselves. */
const everybody = (world: World): string[] => [...HOSTS, ...world.seats.map(({ id }) => id)]

/** Which ways are cut: to be mended together. */
type Cut = readonly (readonly [string, string])[]

function cutFor(world: World, random: SeededRandom, ways: Cut): void {
  for (const [from, to] of ways) world.network.cut(from, to)
  const spanMs = random.pick([random.between(20, 400), random.between(400, 6000)])
  world.scheduler.after(spanMs, () => {
    for (const [from, to] of ways) world.network.uncut(from, to)
  })
}

function cut(world: World, random: SeededRandom, ways: 1 | 2): void {
  const members = world.seats.map(({ id }) => id)
  // Between a head and a member, mostly; else between any two.
  const [from, to] = [random.chance(0.8) ? random.pick(HOSTS) : random.pick(members), random.pick(members)]
  const both: Cut = [
    [from, to],
    [to, from],
  ]
  cutFor(world, random, ways === 2 ? both : [random.pick(both)])
}

function separate(world: World, random: SeededRandom, isInside: (end: string) => boolean): void {
  const all = everybody(world)
  const [inside, outside] = [all.filter(isInside), all.filter((end) => !isInside(end))]
  const ways = random.pick(['in', 'out', 'both', 'both'])
  const between: Cut = inside.flatMap((one) => outside.map((other) => [one, other] as const))
  const back: Cut = between.map(([one, other]) => [other, one])
  cutFor(world, random, [...(ways === 'in' ? [] : between), ...(ways === 'out' ? [] : back)])
}

/** A zone by itself. */
function isolate(world: World, random: SeededRandom): void {
  const host = random.pick(HOSTS)
  separate(world, random, (end) => end.startsWith(host))
}

/** Some members and some heads on one side, the rest on the other: two that may both believe that they lead. */
function split(world: World, random: SeededRandom): void {
  const inside = new Set(everybody(world).filter(() => random.chance(0.5)))
  separate(world, random, (end) => inside.has(end))
  if (random.chance(0.5)) world.control.takeEpoch()
}

function slowLink(world: World, random: SeededRandom): void {
  const [from, to] = [random.pick(everybody(world)), random.pick(everybody(world))]
  world.network.delay(from, to, random.pick([5, 50, 700]) * random.fraction())
}

const livingSeats = (world: World): Seat[] => world.seats.filter((seat) => !seat.isLost && !world.doomed.has(seat.id))

function trouble(world: World, random: SeededRandom, kind: 'slow' | 'full'): boolean {
  // A member that cannot even be made is none: whoever wants it has to try again.
  const able = livingSeats(world).filter(({ disk, member }) => disk.trouble === 'none' && member)
  if (able.length === 0) return false
  const { disk } = random.pick(able)
  disk.trouble = kind
  world.scheduler.after(random.between(50, 3000), () => {
    if (disk.trouble === kind) disk.trouble = 'none'
  })
  return true
}

/** Does something to a member that it will not survive, if the others can bear it. */
function doom(world: World, random: SeededRandom, how: (seat: Seat) => boolean | void): boolean {
  const { members, joint } = world.control.row.configuration
  const able = livingSeats(world).filter(({ id }) => members.includes(id) || joint?.includes(id))
  if (world.losses >= LOSSES_MAX || able.length === 0) return false
  const seat = random.pick(able)
  if (how(seat) === false) return false
  world.doomed.add(seat.id)
  return true
}

function failingDisk(world: World, random: SeededRandom): boolean {
  return doom(world, random, ({ disk }) => void (disk.trouble = 'failing'))
}

/** Of what was written shortly before, the next frame does not know yet that it was there. */
const FLIPPED_AFTER_MS = 500

function flip(world: World, random: SeededRandom): boolean {
  return doom(world, random, ({ disk }) => disk.flip(FLIPPED_AFTER_MS))
}

/** The folder is gone: whoever comes back with nothing is nobody. */
function loseDisk(world: World, random: SeededRandom): boolean {
  return doom(world, random, (seat) => {
    seat.disk.lose()
    seat.leave()
    world.say('lost member', `${seat.id}: its disk is gone`)
  })
}

function takeTwo(world: World): void {
  world.control.takeEpoch()
  world.control.takeEpoch()
}

function replace(world: World, random: SeededRandom): void {
  world.control.replace(random.pick(world.control.row.configuration.members))
}

function storeDown(world: World, random: SeededRandom): void {
  world.control.isStoreDown = true
  world.scheduler.after(random.between(200, 4000), () => (world.control.isStoreDown = false))
}
