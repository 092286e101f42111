/**
 * What simulations found in the code that ships, each as small as it can be told. The seeds are those of the simulator of
 * that day; it draws other faults from them now.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeHeader } from '#volume/frame.ts'
import { Head } from '#volume/head.ts'
import { NO_HORIZON } from '#volume/horizons.ts'
import { LEASE_MS, RETURN_MS, SYNC_SOON_MS, TELL_MS } from '#volume/limits.ts'
import { createFolder } from '#volume/member-folder.ts'
import { Member } from '#volume/member.ts'
import { scanLog } from '#volume/scan.ts'
import type { HeadSurroundings, MemberSurroundings } from '#volume/ports.ts'
import type { Configuration, HeadMessage, MemberId, MemberMessage, PeerMessage } from '#wire/quorum/messages.ts'
import { SeededRandom } from '../support/random.ts'
import { Scheduler, SimulatedProcess } from './scheduler.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const IDS = ['a1', 'a2', 'b1', 'b2', 'c1', 'c2']
const BEGINNING = [{ epoch: 1, start: 0 }]
const HEAD_SESSION = 1

function raise(_process: unknown, error: Error): void {
  throw error
}

/** One member on its disk, whose head is the test. */
class Alone {
  readonly scheduler = new Scheduler()
  readonly said: (MemberMessage | PeerMessage)[] = []
  readonly failures: string[] = []
  process = new SimulatedProcess('log node', this.scheduler, raise)
  readonly disk = new SimulatedDisk(this.scheduler, new SeededRandom(1), this.process)
  member: Member | undefined

  constructor() {
    createFolder(
      this.around,
      { id: 'a1', volume: 7, history: BEGINNING, start: 0, bytes: Buffer.alloc(100) },
      () => (this.member = Member.open(this.around)),
    )
    this.pass()
  }

  pass(spanMs = 1000): void {
    this.scheduler.runUntil(this.scheduler.now + spanMs)
  }

  tell(...messages: HeadMessage[]): void {
    for (const message of messages) this.member!.receive(HEAD_SESSION, message)
  }

  restart(how: 'kill' | 'power'): void {
    this.process.end()
    if (how === 'power') this.disk.powerCut()
    this.process = new SimulatedProcess('log node', this.scheduler, raise)
    this.disk.ownedBy(this.process)
    this.member = Member.open(this.around)
  }

  private get around(): MemberSurroundings {
    return {
      disk: this.disk,
      clock: this.process.clock,
      defer: (run) => void this.process.after(0, run),
      send: (_session, message) => this.said.push(message),
      ask: () => {},
      peers: () => [],
      mended: () => {},
      close: () => {},
      horizon: () => NO_HORIZON,
      advanced: () => {},
      failed: (reason) => this.failures.push(reason),
    }
  }
}

const adopt = (epoch: number): HeadMessage => ({ type: 'adopt', epoch, history: [...BEGINNING, { epoch, start: 100 }] })
const append = (epoch: number, position: number, count: number): HeadMessage => {
  return { type: 'append', epoch, position, bytes: Buffer.alloc(count, 1), durable: 100, sync: 'now' }
}

describe('a member', () => {
  it('that was killed does not count what it finds in the page cache until that is on the disk', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const alone = new Alone()
      alone.tell({ type: 'seal', epoch: 2 })
      alone.pass()
      alone.tell(adopt(2))
      alone.pass()
      alone.disk.trouble = 'slow'
      alone.tell(append(2, 100, 5000))
      alone.restart('kill')
      alone.said.splice(0)
      alone.tell({ type: 'seal', epoch: 3 })
      alone.pass(seed * 100)
      const sealed = alone.said.find((one) => one.type === 'sealed')
      alone.disk.trouble = 'none'
      alone.restart('power')
      alone.pass()
      if (sealed) assert.ok(alone.member!.end >= sealed.end, `${alone.member!.end} of ${sealed.end}`)
    }
  })

  it('keeps trying to write its promise down where the disk is full, and is none the worse', () => {
    const alone = new Alone()
    alone.disk.trouble = 'full'
    alone.tell({ type: 'seal', epoch: 2 })
    alone.pass()
    assert.equal(alone.said.length, 0)
    alone.disk.trouble = 'none'
    alone.pass()
    assert.equal(alone.said.at(-1)?.type, 'sealed')
    assert.deepEqual(alone.failures, [])
  })

  it('fails when the only frame of its first file is damaged, although nothing behind says that it was there', () => {
    const scheduler = new Scheduler()
    const disk = new SimulatedDisk(scheduler, new SeededRandom(1), new SimulatedProcess('scan', scheduler, raise))
    disk.write('000000000000.log', 0, Buffer.alloc(200, 1))
    const frames = [100, 150].map((position) => {
      const frame = { epoch: 1, position, length: 50, durable: 0, synced: position === 150 ? 150 : 60 }
      return Buffer.concat([encodeHeader(7, frame, Buffer.alloc(50)), Buffer.alloc(50)])
    })
    disk.write('000000000001.log', 0, Buffer.concat(frames))
    assert.equal(scanLog(disk, 7, { history: BEGINNING, start: 0 }), 'the log is damaged at 0')
  })

  it('fails when a frame that cannot be read leaves no trace of those behind it', () => {
    const alone = new Alone()
    alone.tell({ type: 'seal', epoch: 2 })
    alone.pass()
    alone.tell(adopt(2))
    alone.pass()
    for (let at = 100; at < 200; at += 50) alone.tell(append(2, at, 50))
    alone.pass()
    alone.restart('kill')
    alone.pass()
    const name = alone.disk.names().findLast((one) => alone.disk.read(one, 0, 4).includes('q'))!
    // The magic number of the file's first frame.
    alone.disk.write(name, 0, Buffer.alloc(4))
    assert.equal(alone.member!.read(150, 10), undefined)
    assert.match(alone.failures.join(), /damaged/)
  })

  it('syncs what came in one turn once, and says of it alone that it is on the disk', () => {
    const alone = new Alone()
    alone.tell({ type: 'seal', epoch: 2 })
    alone.pass()
    alone.tell(adopt(2))
    alone.pass()
    alone.said.splice(0)
    alone.tell(append(2, 100, 50), append(2, 150, 50))
    // It has begun to sync.
    alone.pass(0.1)
    alone.tell(append(2, 200, 50))
    alone.pass()
    const flushed = (end: number): MemberMessage => ({ type: 'flushed', epoch: 2, end })
    assert.deepEqual(alone.said, [flushed(200), flushed(250)])
  })
})

interface HeadAlone {
  readonly head: Head
  readonly said: string[]
  readonly sent: HeadMessage[]
  /** Of what was sent: bytes, and word of what is durable. */
  readonly to: string[]
  readonly scheduler: Scheduler
}

/** A head whose members are the test. */
function headOf(configuration: Configuration, writerStart?: number): HeadAlone {
  const scheduler = new Scheduler()
  const said: string[] = []
  const sent: HeadMessage[] = []
  const to: string[] = []
  const process = new SimulatedProcess('head', scheduler, raise)
  const around: HeadSurroundings = {
    clock: process.clock,
    send: (members, message) => {
      sent.push(message)
      if (message.type === 'append') to.push(`append ${message.position} to ${members.join()}`)
      if (message.type === 'durable') to.push(`durable to ${members.join()}`)
    },
    recovered: ({ end }) => said.push(`recovered ${end}`),
    durable: (position) => said.push(`durable ${position}`),
    opened: () => said.push('opened'),
    configured: (generation) => said.push(`configured ${generation}`),
    fenced: (reason) => said.push(`fenced: ${reason}`),
    flow: () => {},
  }
  const options = { epoch: 3, configuration }
  const head = new Head(around, writerStart === undefined ? options : { ...options, writerStart })
  return { head, said, sent, to, scheduler }
}

const whole: Configuration = { generation: 4, members: IDS }
const changing: Configuration = { generation: 4, members: IDS, joint: [...IDS.slice(0, 5), 'c3'] }

function seal(head: Head, ids: readonly MemberId[], log: { end: number; durable: number; epoch: number }): void {
  const history = [...BEGINNING, { epoch: log.epoch, start: 100 }]
  for (const id of ids) {
    head.connected(id)
    head.received(id, { type: 'sealed', epoch: 3, history, end: log.end, durable: log.durable, first: 0 })
  }
}

function adoptAll(head: Head, ids: readonly MemberId[], end: number): void {
  for (const id of ids) head.received(id, { type: 'adopted', epoch: 3, last: 3, end })
}

/** Its writer has written nothing yet. */
function leading(): HeadAlone {
  const alone = headOf(whole)
  seal(alone.head, IDS, { end: 300, durable: 100, epoch: 2 })
  for (const id of IDS) alone.head.received(id, { type: 'adopted', epoch: 3, last: 2, end: 300 })
  alone.head.epochStarts(300)
  adoptAll(alone.head, IDS, 300)
  for (const list of [alone.sent, alone.to]) list.splice(0)
  return alone
}

/** Ten bytes that the members say they have for which a commit waits. */
function commit(head: Head, position: number): void {
  head.append(position, Buffer.alloc(10), position + 10)
  for (const id of IDS.slice(0, 4)) head.received(id, { type: 'flushed', epoch: 3, end: position + 10 })
}

describe('a head', () => {
  it('that comes back in its epoch goes on with its writer', () => {
    const { head, said } = headOf(whole, 100)
    seal(head, IDS, { end: 300, durable: 200, epoch: 3 })
    adoptAll(head, IDS, 300)
    assert.equal(head.epochStarts(100), 200)
    assert.deepEqual(said, ['recovered 300', 'durable 200', 'opened'])
  })

  it('that comes back ends its writer where nothing of its epoch is found: other bytes may be below', () => {
    const { head, said } = headOf(whole, 100)
    seal(head, IDS, { end: 300, durable: 100, epoch: 2 })
    assert.match(said.join(), /^fenced/)
  })

  it('completes a change of members that another epoch began, and says so again to whoever asks', () => {
    const { head, said } = headOf(changing)
    const ids = [...IDS, 'c3']
    seal(head, ids, { end: 300, durable: 100, epoch: 2 })
    for (const id of ids) head.received(id, { type: 'adopted', epoch: 3, last: 2, end: 300 })
    head.epochStarts(300)
    adoptAll(head, ids, 300)
    head.append(300, Buffer.alloc(10), 310)
    for (const id of ids) head.received(id, { type: 'flushed', epoch: 3, end: 310 })
    assert.deepEqual(said, ['recovered 300', 'durable 310', 'opened', 'configured 4'])
    head.reconfigure(changing)
    assert.equal(said.filter((one) => one === 'configured 4').length, 2)
  })

  it('tells a member that comes late what is durable', () => {
    const { head, sent } = headOf(whole, 100)
    seal(head, IDS.slice(0, 5), { end: 300, durable: 200, epoch: 3 })
    head.received('c2', { type: 'pong', epoch: 3, sequence: 0, ...NO_HORIZON })
    seal(head, ['c2'], { end: 300, durable: 200, epoch: 3 })
    adoptAll(head, IDS, 300)
    head.epochStarts(100)
    adoptAll(head, IDS.slice(0, 5), 300)
    sent.length = 0
    adoptAll(head, ['c2'], 300)
    assert.ok(sent.some((one) => one.type === 'durable' && one.durable === 200))
  })

  it('says what is durable at once where little is written, else with the next bytes or soon after', () => {
    const { head, sent, scheduler } = leading()
    const said = (): number[] =>
      sent.splice(0).flatMap((one) => (one.type === 'append' || one.type === 'durable' ? [one.durable] : []))
    commit(head, 300)
    // The bytes, and that they are durable.
    assert.deepEqual(said(), [100, 310])
    commit(head, 310)
    assert.deepEqual(said(), [310])
    scheduler.runUntil(scheduler.now + TELL_MS / 2)
    commit(head, 320)
    assert.deepEqual(said(), [320])
    scheduler.runUntil(scheduler.now + TELL_MS / 2)
    assert.deepEqual(said(), [], 'bytes went out meanwhile that said what there was')
    scheduler.runUntil(scheduler.now + TELL_MS / 2)
    assert.deepEqual(said(), [330])
    commit(head, 330)
    head.stop()
    said()
    scheduler.runUntil(scheduler.now + 1_000)
    assert.deepEqual(said(), [])
  })

  it('of a writer that writes much sends those that nobody waits for what there is together', () => {
    const { head, to, scheduler } = leading()
    commit(head, 300)
    assert.deepEqual(to.splice(0), ['append 300 to a1,a2,b1,b2,c1,c2', 'durable to a1,a2,b1,b2,c1,c2'])
    for (const at of [310, 320]) commit(head, at)
    assert.deepEqual(to.splice(0), ['append 310 to a1,a2,b1,b2', 'append 320 to a1,a2,b1,b2'])
    scheduler.runUntil(scheduler.now + SYNC_SOON_MS, () => to.some((one) => one.endsWith('to c2')))
    assert.deepEqual(to.splice(0), ['durable to a1,a2,b1,b2,c1,c2', 'append 310 to c1', 'append 310 to c2'])
    // What nobody has waited for is at once where it is needed.
    commit(head, 330)
    to.splice(0)
    commit(head, 340)
    head.disconnected('a1')
    to.splice(0)
    commit(head, 350)
    assert.deepEqual(to.splice(0), ['append 340 to c1', 'append 350 to a2,b1,b2'])
  })

  it('gives up where nobody is left who has the log that was chosen', () => {
    const { head, said, scheduler } = headOf(whole)
    seal(head, ['a1'], { end: 900, durable: 100, epoch: 2 })
    seal(head, IDS.slice(1), { end: 300, durable: 100, epoch: 2 })
    for (const id of IDS.slice(1)) head.received(id, { type: 'adopted', epoch: 3, last: 2, end: 300 })
    head.disconnected('a1')
    scheduler.runUntil(60_000)
    assert.match(said.join(), /^fenced/)
  })

  it('ends its writer when the lease is over, not at the next look', () => {
    const { head, said, scheduler } = headOf(whole)
    seal(head, IDS, { end: 300, durable: 100, epoch: 2 })
    for (const id of IDS) head.received(id, { type: 'adopted', epoch: 3, last: 2, end: 300 })
    head.epochStarts(300)
    const begunAt = scheduler.now
    scheduler.runUntil(60_000, () => said.join().includes('fenced'))
    assert.ok(scheduler.now - begunAt <= LEASE_MS, `after ${scheduler.now - begunAt} ms`)
  })

  it('that comes back has little of a lease until enough members answer it', () => {
    const silent = headOf(whole, 100)
    silent.scheduler.runUntil(60_000, () => silent.said.length > 0)
    assert.ok(silent.scheduler.now <= RETURN_MS, `after ${silent.scheduler.now} ms`)
    const { head, said, sent, scheduler } = headOf(whole, 100)
    for (const id of IDS) head.connected(id)
    const ping = sent.findLast((one) => one.type === 'ping')!
    for (const id of IDS) head.received(id, { type: 'pong', epoch: 3, sequence: ping.sequence, ...NO_HORIZON })
    scheduler.runUntil(RETURN_MS + 500)
    assert.deepEqual(said, [])
  })
})
