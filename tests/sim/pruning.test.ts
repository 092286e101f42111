/** A member that lets go of log and loses power: whatever of that is on its disk again, it goes on with what it had. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_HORIZON } from '#volume/horizons.ts'
import { SYNC_SOON_MS } from '#volume/limits.ts'
import { createFolder } from '#volume/member-folder.ts'
import { Member } from '#volume/member.ts'
import type { MemberSurroundings } from '#volume/ports.ts'
import type { HeadMessage } from '#wire/quorum/messages.ts'
import { SeededRandom } from '../support/random.ts'
import { Scheduler, SimulatedProcess } from './scheduler.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const HEAD = 1
const FILE_BYTES = 1_024
const PIECE_BYTES = 200

class Pruned {
  readonly scheduler = new Scheduler()
  readonly failures: string[] = []
  readonly disk: SimulatedDisk
  process = this.newProcess()
  member: Member | undefined

  constructor(seed: number) {
    this.disk = new SimulatedDisk(this.scheduler, new SeededRandom(seed), this.process)
    const bytes = Buffer.alloc(100)
    const member = { id: 'a1', volume: 7, history: [{ epoch: 1, start: 0 }], start: 0, bytes }
    createFolder(this.around, member, () => this.open())
    this.pass()
    const history = [
      { epoch: 1, start: 0 },
      { epoch: 2, start: 100 },
    ]
    this.tell({ type: 'seal', epoch: 2 })
    this.tell({ type: 'adopt', epoch: 2, history })
  }

  /** So many pieces more, each of them durable once the next one comes. */
  write(pieces: number): void {
    for (let i = 0; i < pieces; i++) {
      const position = this.member!.end
      const bytes = Buffer.alloc(PIECE_BYTES, i)
      this.tell({ type: 'append', epoch: 2, position, bytes, durable: position, sync: 'now' } as HeadMessage)
    }
  }

  /** The next piece, which says that all before it is durable, and is not synced by the time that this returns. */
  begin(): void {
    const position = this.member!.end
    const bytes = Buffer.alloc(PIECE_BYTES, 1)
    this.member!.receive(HEAD, { type: 'append', epoch: 2, position, bytes, durable: position, sync: 'soon' })
  }

  losePower(): void {
    this.process.end()
    this.disk.powerCut()
    this.process = this.newProcess()
    this.disk.ownedBy(this.process)
    this.open()
  }

  pass(spanMs = 1_000): void {
    this.scheduler.runUntil(this.scheduler.now + spanMs)
  }

  private tell(message: HeadMessage): void {
    this.member!.receive(HEAD, message)
    this.pass()
  }

  private open(): void {
    this.member = Member.open(this.around, { fileBytes: FILE_BYTES })
  }

  private newProcess(): SimulatedProcess {
    return new SimulatedProcess('log node', this.scheduler, (_process, error) => {
      throw error
    })
  }

  private get around(): MemberSurroundings {
    return {
      disk: this.disk,
      clock: this.process.clock,
      defer: (run) => void this.process.after(0, run),
      send: () => {},
      ask: () => {},
      peers: () => [],
      mended: () => {},
      close: () => {},
      horizon: () => NO_HORIZON,
      advanced: () => {},
      failed: (reason) => void this.failures.push(reason),
    }
  }
}

test('what was let go of is gone for good, whichever of its files come back', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const pruned = new Pruned(seed)
    pruned.write(40)
    const { end, durable } = pruned.member!
    pruned.member!.prune(5_000)
    pruned.pass()
    const { first } = pruned.member!
    assert.ok(first > 5_000 - FILE_BYTES && first <= 5_000, `it begins at ${first}`)
    pruned.losePower()
    assert.deepEqual(pruned.failures, [])
    const { member } = pruned
    assert.deepEqual([member!.first, member!.end, member!.durable], [first, end, durable])
    assert.equal(member!.read(first - 1, 10), undefined)
    for (let at = first; at < end;) at += member!.read(at, 10_000)!.bytes.length
    pruned.pass()
    assert.equal(member!.promised, 2)
  }
})

test('nothing goes that is not known to be durable, and nothing comes back by less being asked', () => {
  const pruned = new Pruned(1)
  pruned.write(20)
  const { durable } = pruned.member!
  pruned.member!.prune(Infinity)
  pruned.pass()
  const { first } = pruned.member!
  assert.ok(first <= durable && first > durable - FILE_BYTES)
  pruned.member!.prune(100)
  pruned.pass()
  assert.equal(pruned.member!.first, first)
})

test('a member that dies before it has kept where its log begins has all of it', () => {
  const pruned = new Pruned(3)
  pruned.write(40)
  const { first, end } = pruned.member!
  pruned.member!.prune(5_000)
  pruned.losePower()
  const again = pruned.member!.first
  assert.ok(again === first || again > 5_000 - FILE_BYTES)
  for (let at = again; at < end;) at += pruned.member!.read(at, 10_000)!.bytes.length
  assert.deepEqual(pruned.failures, [])
})

test('all of it may go but what was not synced: it ends where it was to begin, whichever older files come back', () => {
  let seen = 0
  for (let seed = 1; seed <= 100; seed++) {
    const pruned = new Pruned(seed)
    pruned.write(20 + (seed % 8))
    const { end } = pruned.member!
    pruned.begin()
    pruned.member!.prune(end)
    // Kept, with the files gone, before anything is synced of itself.
    pruned.pass(SYNC_SOON_MS / 2)
    if (pruned.member!.first === end) seen++
    pruned.losePower()
    assert.deepEqual(pruned.failures, [])
    pruned.pass()
    const { first, end: endNow } = pruned.member!
    assert.ok(endNow >= end, `seed ${seed}: it had ${end}, and has ${endNow}`)
    for (let at = first; at < endNow;) at += pruned.member!.read(at, 10_000)!.bytes.length
  }
  assert.ok(seen > 0, 'no file began there')
})
