import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SimulatedClock } from '#host/simulated-clock.ts'
import type { HeadMessage, MemberId, MemberMessage, PeerMessage } from '#wire/quorum/messages.ts'
import { Head } from './head.ts'
import { NO_HORIZON } from './horizons.ts'
import { createFolder } from './member-folder.ts'
import { Member } from './member.ts'
import type { HeadSurroundings, LogDisk, MemberSurroundings } from './ports.ts'

const IDS = ['a1', 'a2', 'b1', 'b2', 'c1', 'c2']

/** Six members and heads on one thread; everything is delivered in order, and disks keep what they are told to. */
class World {
  readonly clock = new SimulatedClock()
  readonly members = new Map<MemberId, Member>()
  readonly disks = new Map(IDS.map((id) => [id, new MemoryDisk((run) => this.queue.push(run))]))
  readonly down = new Set<MemberId>()
  readonly heads = new Map<number, Head>()
  readonly said: string[] = []
  private readonly queue: (() => void)[] = []

  constructor() {
    for (const id of IDS) {
      const history = [{ epoch: 1, start: 0 }]
      createFolder(this.surroundings(id), { id, volume: 7, history, start: 0, bytes: Buffer.from('seed') }, () => {
        this.members.set(id, Member.open(this.surroundings(id))!)
      })
    }
    this.run()
  }

  run(): void {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) next()
  }

  /** `segment`: a log goes on at a multiple of that, if the writer left one early. */
  head(epoch: number, segment = 1): Head {
    const around: HeadSurroundings = {
      clock: this.clock,
      send: (ids, message) => ids.forEach((id) => this.toMember(epoch, id, message)),
      recovered: ({ end }) => this.said.push(`recovered ${end}`),
      durable: (position) => this.said.push(`durable ${position}`),
      opened: () => this.said.push('opened'),
      configured: (generation) => this.said.push(`configured ${generation}`),
      fenced: (reason) => this.said.push(`fenced: ${reason}`),
      flow: () => {},
    }
    const paddedEnd = (end: number): number => Math.ceil(end / segment) * segment
    const head = new Head(around, { epoch, configuration: { generation: 1, members: IDS }, paddedEnd })
    this.heads.set(epoch, head)
    for (const id of IDS) if (!this.down.has(id)) head.connected(id)
    this.run()
    return head
  }

  /** As a process that ends and comes again. */
  restart(id: MemberId): Member {
    this.members.set(id, Member.open(this.surroundings(id))!)
    for (const head of this.heads.values()) {
      head.disconnected(id)
      head.connected(id)
    }
    this.run()
    return this.members.get(id)!
  }

  ends(): (number | undefined)[] {
    return IDS.map((id) => this.members.get(id)?.end)
  }

  private toMember(epoch: number, id: MemberId, message: HeadMessage): void {
    if (!this.down.has(id)) this.queue.push(() => this.members.get(id)!.receive(epoch, message))
  }

  private surroundings(id: MemberId): MemberSurroundings {
    return {
      disk: this.disks.get(id)!,
      clock: this.clock,
      defer: (run) => this.queue.push(run),
      send: (session, message) => this.queue.push(() => this.answered(session, id, message)),
      ask: (from, message) => this.queue.push(() => this.members.get(from)!.receive(asPeer(id), message)),
      peers: () => IDS,
      mended: () => {},
      close: () => {},
      horizon: () => NO_HORIZON,
      advanced: () => {},
      failed: (reason) => assert.fail(reason),
    }
  }

  private answered(session: number, id: MemberId, message: MemberMessage | PeerMessage): void {
    if (message.type === 'piece') this.members.get(IDS[-session - 1]!)!.fetched(id, message)
    else if (message.type !== 'read' && !this.down.has(id)) this.heads.get(session)?.received(id, message)
  }
}

const asPeer = (id: MemberId): number => -IDS.indexOf(id) - 1

class MemoryDisk implements LogDisk {
  private readonly files = new Map<string, Buffer>()
  private readonly later: (run: () => void) => void

  constructor(later: (run: () => void) => void) {
    this.later = later
  }

  names = (): string[] => [...this.files.keys()].sort()
  load = (name: string): Buffer | undefined => this.files.get(name)
  read = (name: string, offset: number, count: number): Buffer =>
    (this.files.get(name) ?? Buffer.alloc(0)).subarray(offset, offset + count)

  write(name: string, offset: number, bytes: Uint8Array): void {
    const old = this.files.get(name) ?? Buffer.alloc(0)
    const file = Buffer.alloc(Math.max(old.length, offset + bytes.length))
    file.set(old)
    file.set(bytes, offset)
    this.files.set(name, file)
  }

  sync = (_name: string, done: () => void): void => this.later(done)

  replace(name: string, bytes: Uint8Array, done: () => void): void {
    this.files.set(name, Buffer.from(bytes))
    this.later(done)
  }

  allocate(name: string, bytes: number, done: () => void): void {
    this.files.set(name, Buffer.alloc(Math.min(bytes, 4096)))
    this.later(done)
  }

  remove = (name: string): void => void this.files.delete(name)
}

/** A head whose writer has started, with `text` written. */
function lead(world: World, epoch: number, start: number, text: string): Head {
  const head = world.head(epoch)
  assert.equal(head.phase, 'ready')
  head.epochStarts(start)
  world.run()
  write(world, head, start, text)
  return head
}

function write(world: World, head: Head, position: number, text: string): void {
  head.append(position, Buffer.from(text), position + text.length)
  world.run()
}

describe('a volume', () => {
  it('recovers what it began with, and acknowledges what four have', () => {
    const world = new World()
    const head = lead(world, 2, 4, 'hello')
    assert.equal(head.phase, 'open')
    assert.deepEqual(world.said, ['recovered 4', 'durable 9', 'opened'])
    assert.equal(world.members.get('a1')!.shownTo('reader'), 9)
  })

  it('keeps what was acknowledged when two are away and another epoch begins', async () => {
    const world = new World()
    const first = lead(world, 2, 4, 'he')
    world.down.add('a1').add('b1')
    write(world, first, 6, 'llo')
    await world.clock.advance(100)
    world.run()
    assert.equal(first.durable, 9)
    world.down.clear()
    const second = world.head(3)
    await world.clock.advance(1_000)
    world.run()
    assert.equal(second.phase, 'ready')
    assert.deepEqual(world.ends(), [9, 9, 9, 9, 9, 9])
    write(world, first, 9, 'lost')
    assert.equal(first.durable, 9)
    assert.ok(world.said.includes('fenced: epoch 3 has begun'))
  })

  it('cuts what another epoch did not go on with, and finds it cut after a restart', async () => {
    const world = new World()
    const first = lead(world, 2, 4, 'hello')
    for (const id of IDS.slice(1)) world.down.add(id)
    write(world, first, 9, 'unacknowledged')
    assert.equal(world.members.get('a1')!.end, 9 + 'unacknowledged'.length)
    world.down.clear()
    world.down.add('a1')
    const second = world.head(3)
    await world.clock.advance(1_000)
    world.run()
    second.epochStarts(9)
    world.run()
    write(world, second, 9, 'other')
    assert.equal(second.durable, 14)
    world.down.clear()
    const back = world.restart('a1')
    assert.equal(back.end, 14)
    assert.equal(back.read(9, 100)!.bytes.toString(), 'other')
    assert.equal(world.restart('a1').end, 14)
  })

  it('makes nothing of an earlier epoch durable by counting it', () => {
    const world = new World()
    const first = lead(world, 2, 4, 'hello')
    for (const id of IDS.slice(3)) world.down.add(id)
    write(world, first, 9, 'tail')
    world.down.clear()
    const second = world.head(3)
    assert.equal(second.phase, 'ready')
    assert.deepEqual(world.ends(), [13, 13, 13, 13, 13, 13])
    assert.equal(second.durable, 9)
    second.epochStarts(13)
    world.run()
    assert.equal(second.durable, 9)
    write(world, second, 13, '!')
    assert.equal(second.durable, 14)
  })

  it('gives the rest of a segment that its writer left to all, as bytes of that writer', async () => {
    const world = new World()
    const first = lead(world, 2, 4, 'he')
    world.down.add('c1').add('c2')
    write(world, first, 6, 'llo')
    await world.clock.advance(100)
    world.run()
    const second = world.head(3, 16)
    await world.clock.advance(1_000)
    world.run()
    assert.throws(() => second.epochStarts(15), /nothing unread/)
    const third = world.head(4, 16)
    await world.clock.advance(1_000)
    world.run()
    assert.equal(third.epochStarts(16), 16)
    world.run()
    assert.equal(third.durable, 9, 'nothing of it is durable before something of the epoch is')
    write(world, third, 16, 'next')
    assert.equal(third.durable, 20)
    world.down.clear()
    for (const id of ['c1', 'c2']) world.restart(id)
    assert.deepEqual(world.ends(), [20, 20, 20, 20, 20, 20])
    for (const id of IDS) {
      const rest = world.members.get(id)!.read(9, 100)!
      assert.deepEqual([rest.epoch, rest.bytes], [2, Buffer.alloc(7)])
      assert.deepEqual(world.restart(id).read(16, 100), { epoch: 4, bytes: Buffer.from('next') })
    }
  })

  it('lets the released reader alone see beyond the durable point', () => {
    const world = new World()
    const first = lead(world, 2, 4, 'hello')
    for (const id of IDS.slice(3)) world.down.add(id)
    write(world, first, 9, 'tail')
    world.down.clear()
    world.head(3).release('next')
    world.run()
    const member = world.members.get('c2')!
    assert.equal(member.shownTo('next'), 13)
    assert.equal(member.shownTo('other'), 9)
  })

  it('ends its writer when too few answer', async () => {
    const world = new World()
    lead(world, 2, 4, 'hello')
    for (const id of IDS.slice(3)) world.down.add(id)
    for (let second = 0; second < 6; second++) {
      await world.clock.advance(1_000)
      world.run()
    }
    assert.ok(world.said.includes('fenced: no word from enough members'))
  })
})

describe('a copy of a volume', () => {
  /** History of a source in which three epochs wrote. */
  const HISTORY = [
    { epoch: 1, start: 0 },
    { epoch: 3, start: 8 },
    { epoch: 5, start: 12 },
  ]

  function follow(world: World, epoch: number, history = HISTORY): Head {
    const head = world.head(epoch)
    assert.equal(head.follow(history), 0)
    world.run()
    return head
  }

  it('has the bytes of the source in the epochs of the source, whatever its own relays are called', () => {
    const world = new World()
    const head = follow(world, 9)
    assert.equal(head.phase, 'open')
    write(world, head, 0, 'seed one')
    write(world, head, 8, 'two.')
    write(world, head, 12, 'three')
    assert.equal(head.durable, 17)
    const member = world.restart('b2')
    assert.deepEqual([member.promised, member.history, member.end], [9, HISTORY, 17])
    assert.deepEqual([member.read(8, 9)!.epoch, member.read(12, 9)!.epoch], [3, 5])
    assert.equal(member.read(12, 9)!.bytes.toString(), 'three')
  })

  it('goes on where another relay left off, also in the middle of a piece, and into a new epoch of the source', async () => {
    const world = new World()
    const before = HISTORY.slice(0, 2)
    write(world, follow(world, 9, before), 0, 'seed one')
    const head = world.head(10)
    assert.equal(head.follow(before), 8)
    world.run()
    head.append(8, Buffer.from('tw'), 8)
    world.run()
    assert.equal(head.durable, 8)
    const next = world.head(11)
    assert.equal(next.follow(before), 8)
    world.run()
    assert.deepEqual(world.ends(), [10, 10, 10, 10, 10, 10])
    write(world, next, 8, 'two.')
    assert.equal(next.follow(HISTORY), 12)
    world.run()
    write(world, next, 12, 'three')
    await world.clock.advance(100)
    world.run()
    assert.deepEqual([next.durable, world.ends()], [17, [17, 17, 17, 17, 17, 17]])
  })

  it('counts what members have already, also where nothing is sent to them any more', () => {
    const world = new World()
    const head = world.head(9)
    head.follow([{ epoch: 1, start: 0 }])
    world.run()
    assert.equal(head.durable, 0)
    write(world, head, 0, 'seed')
    assert.equal(head.durable, 4)
  })

  it('ends when another has begun, and takes nothing of it any more', () => {
    const world = new World()
    const first = follow(world, 9)
    follow(world, 10)
    write(world, first, 0, 'seed one')
    assert.ok(world.said.includes('fenced: epoch 10 has begun'))
    assert.equal(world.members.get('a1')!.end, 4)
  })

  it('cuts what was never durable and the source does not have', () => {
    const world = new World()
    const writer = lead(world, 2, 4, 'hello')
    for (const id of IDS.slice(3)) world.down.add(id)
    write(world, writer, 9, 'tail')
    world.down.clear()
    const head = world.head(9)
    const history = [
      { epoch: 1, start: 0 },
      { epoch: 2, start: 4 },
      { epoch: 3, start: 10 },
    ]
    assert.equal(head.follow(history), 9)
    world.run()
    assert.deepEqual(world.ends(), [10, 10, 10, 10, 10, 10])
    write(world, head, 9, 't')
    write(world, head, 10, '!')
    assert.equal(head.durable, 11)
  })

  it('is no copy of a source that has not all that is durable here', () => {
    const world = new World()
    lead(world, 2, 4, 'hello')
    const head = world.head(9)
    const history = [
      { epoch: 1, start: 0 },
      { epoch: 2, start: 4 },
      { epoch: 3, start: 8 },
    ]
    assert.equal(head.follow(history), undefined)
    assert.ok(world.said.includes('fenced: diverged'))
  })

  it('lets one reader have all of it, so that nothing is lost where the log changes over to the reader', () => {
    const world = new World()
    const writer = lead(world, 2, 4, 'hello')
    for (const id of IDS.slice(3)) world.down.add(id)
    write(world, writer, 9, 'tail')
    world.down.clear()
    const head = world.head(9)
    head.release('relay')
    head.follow([...world.members.get('a1')!.history])
    world.run()
    const member = world.members.get('c2')!
    assert.deepEqual([member.shownTo('relay'), member.shownTo('other')], [13, 9])
  })
})
