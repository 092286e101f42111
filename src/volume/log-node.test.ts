import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { memoryLog } from '#base/memory-log.ts'
import { systemClock } from '#host/clock.ts'
import { lockFolder } from '#host/folder-lock.ts'
import { FolderLogDisk } from '#host/log-disk.ts'
import { systemRandom } from '#host/random.ts'
import type { MemberOrder } from '#wire/lognode/messages.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { TestAuthority, TestHead, headContext } from '../../tests/support/log-nodes.ts'
import { logNodeName } from '#wire/quorum/identity.ts'
import { LogNode, type LogNodeReport } from './log-node.ts'
import { freeAddress } from '../../tests/support/free-port.ts'

/** A log node over a folder, without doors: what it keeps, and what becomes of it when its disk fails. */
class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-log-node-'))
  readonly kept = new Map<string, string>()
  readonly log = memoryLog()
  readonly ended: string[] = []
  /** What the disk answers to the next of its kind. */
  fails: { sync?: Error; replace?: Error } = {}

  constructor(t: TestContext) {
    t.after(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  async open(): Promise<LogNode> {
    return LogNode.open({
      table: {
        all: async () => new Map([...this.kept].map(([key, value]) => [key, JSON.parse(value) as unknown])),
        put: async (key, value) => void this.kept.set(key, JSON.stringify(value)),
        delete: async (key) => void this.kept.delete(key),
      },
      folder: this.folder,
      openDisk: (folder) => this.disk(folder),
      clock: systemClock,
      random: systemRandom,
      log: this.log,
      ends: (reason) => this.ended.push(reason),
    })
  }

  private disk(folder: string): FolderLogDisk {
    const disk = new FolderLogDisk(folder)
    const { sync, replace } = disk
    disk.sync = (name, done) => sync.call(disk, name, (error) => done(error ?? this.fails.sync))
    disk.replace = (name, bytes, done) =>
      this.fails.replace ? done(this.fails.replace) : replace.call(disk, name, bytes, done)
    return disk
  }
}

const authority = await TestAuthority.open()
after(() => authority.close())

/** A log node with two members that can be reached, and a head that has sealed them. */
async function reached(t: TestContext, bench: Bench): Promise<{ node: LogNode; head: TestHead }> {
  const node = await bench.open()
  for (const member of ['a1', 'a2']) await node.create({ ...order, member })
  const [door, feed] = [await freeAddress(), await freeAddress()]
  const certificate = await authority.issue(logNodeName('a'))
  await node.configure({ node: 'a', door, feed, certificate })
  await eventually('its doors are open', () => (node.observed().doors.listening ? true : undefined))
  const head = new TestHead({ volume: 'vol', epoch: 2, context: await headContext(authority, 'vol') })
  t.after(() => {
    head.links.close()
    node.end()
  })
  const address = { node: 'a', ...door }
  head.links.place(
    new Map([
      ['a1', address],
      ['a2', address],
    ]),
  )
  await eventually('both are there', () => (head.connected.size === 2 ? true : undefined))
  head.links.send(['a1', 'a2'], { type: 'seal', epoch: 2 })
  await eventually('both are sealed', () => (head.heard.length === 2 ? true : undefined))
  return { node, head }
}

const stateOf = (node: LogNode, member: string) => node.observed().members.find((seen) => seen.member === member)

const order: MemberOrder = { volume: 'vol', member: 'a1', start: 4_096, history: [{ epoch: 1, start: 4_096 }] }

const disk = (code: string): Error => Object.assign(new Error(`${code}: the disk says no`), { code })

test('a member that was made is there in the next process, with what it began with', async (t) => {
  const bench = new Bench(t)
  const node = await bench.open()
  const seedPath = join(bench.folder, 'seed')
  writeFileSync(seedPath, Buffer.alloc(300_000, 3))
  await node.create({ ...order, seedPath })
  await node.create({ ...order, member: 'a2' })
  await node.create({ ...order, member: 'a2' })
  const [a1, a2] = node.observed().members
  const expected = { ...order, state: 'open', promised: 1, first: 4_096, end: 304_096, durable: 4_096 }
  const { start: _, ...seen } = expected
  assert.deepEqual(a1, seen)
  assert.deepEqual(a2, { ...seen, member: 'a2', end: 4_096, durable: a2?.state === 'open' && a2.durable })
  node.end()
  // Without its lock the next one could not have it.
  await assert.rejects(bench.open(), /another process has/)
})

test('what was promised by requests is kept, and gone once it is removed', async (t) => {
  const bench = new Bench(t)
  const node = await bench.open()
  await node.describe({ volume: 'vol', places: [] })
  await node.create(order)
  const reports: LogNodeReport[] = []
  node.onReport((report) => reports.push(report))
  assert.deepEqual([...bench.kept.keys()].toSorted(), ['member/vol/a1', 'volume/vol'])
  await node.remove('vol', 'a1')
  assert.deepEqual(node.observed().members, [])
  assert.equal(reports.at(-1)?.type, 'gone')
  assert.deepEqual([...bench.kept], [])
  // The folder is free, and so is the name.
  await node.create(order)
  assert.equal(node.observed().members[0]?.state, 'open')
  await node.remove('vol', 'a1')
  await node.remove('vol', 'a1')
  node.end()
})

test('what began to be made is made anew when it is asked for again', async (t) => {
  const bench = new Bench(t)
  const first = await bench.open()
  bench.fails = { replace: disk('ENOSPC') }
  await assert.rejects(first.create(order), /first state could not be kept/)
  assert.deepEqual(bench.ended, [])
  first.end()
  bench.fails = {}
  const second = await bench.open()
  assert.deepEqual(second.observed().members, [{ volume: 'vol', member: 'a1', state: 'creating' }])
  await second.create(order)
  assert.equal(second.observed().members[0]?.state, 'open')
  await second.remove('vol', 'a1')
  second.end()
})

test('an order that cannot be right is refused, and nothing of it stays open', async (t) => {
  const bench = new Bench(t)
  const node = await bench.open()
  await assert.rejects(node.create({ ...order, seedPath: join(bench.folder, 'absent') }), /there is no file/)
  mkdirSync(join(bench.folder, 'vol', 'a1'), { recursive: true })
  const lock = lockFolder(join(bench.folder, 'vol', 'a1'))
  await assert.rejects(node.create(order), /another process has/)
  lock?.release()
  await node.create(order)
  assert.equal(node.observed().members[0]?.state, 'open')
  await node.remove('vol', 'a1')
  node.end()
})

test('a member whose sync fails says no more, is one no more, and ends the process', async (t) => {
  const bench = new Bench(t)
  const { node, head } = await reached(t, bench)
  bench.fails = { sync: disk('EIO') }
  const history = [...order.history, { epoch: 2, start: 4_096 }]
  head.links.send(['a1'], { type: 'adopt', epoch: 2, history })
  await eventually('it is adopted', () => head.heard.find(({ message }) => message.type === 'adopted'))
  const bytes = Buffer.alloc(1_000)
  head.links.send(['a1'], { type: 'append', epoch: 2, position: 4_096, bytes, durable: 4_096, sync: 'now' })
  const reason = await eventually('the process is to end', () => bench.ended[0])
  assert.match(reason, /vol\/a1: a sync of the log failed: EIO/)
  await eventually('it is out of reach', () => (head.connected.has('a1') ? undefined : true))
  assert.deepEqual([...head.connected], ['a2'])
  assert.ok(!head.heard.some(({ message }) => message.type === 'flushed'))
  node.end()
  bench.fails = {}
  // The other one's folder is free as it is when a process ends.
  await node.remove('vol', 'a2')
  const next = await bench.open()
  assert.deepEqual(stateOf(next, 'a1'), {
    volume: 'vol',
    member: 'a1',
    state: 'failed',
    reason: 'a sync of the log failed: EIO: the disk says no',
  })
  await assert.rejects(next.create(order), /has failed/)
  next.end()
})

test('a promise that cannot be kept ends the process, and the member is one again in the next', async (t) => {
  const bench = new Bench(t)
  const { node, head } = await reached(t, bench)
  await node.remove('vol', 'a2')
  bench.fails = { replace: disk('EIO') }
  head.links.send(['a1'], { type: 'seal', epoch: 2 })
  const reason = await eventually('the process is to end', () => bench.ended[0])
  assert.match(reason, /what was promised could not be kept: EIO/)
  node.end()
  bench.fails = {}
  const next = await bench.open()
  const seen = stateOf(next, 'a1')
  assert.ok(seen?.state === 'open')
  assert.equal(seen.promised, 2)
  next.end()
})

test('a member that has lost what it had acknowledged fails for good, and its neighbours go on', async (t) => {
  const bench = new Bench(t)
  bench.kept.set('member/vol/a1', JSON.stringify({ volume: 'vol', member: 'a1', state: 'there' }))
  mkdirSync(join(bench.folder, 'vol', 'a1'), { recursive: true })
  const node = await bench.open()
  await node.create({ ...order, member: 'a2' })
  const failed = { volume: 'vol', member: 'a1', state: 'failed', reason: 'its folder has no member' }
  assert.deepEqual(stateOf(node, 'a1'), failed)
  assert.equal(stateOf(node, 'a2')?.state, 'open')
  assert.deepEqual(bench.ended, [])
  await node.remove('vol', 'a2')
  node.end()
  const next = await bench.open()
  assert.deepEqual(stateOf(next, 'a1'), failed)
  next.end()
})

test('a member whose folder is gone has failed, and its neighbours go on', async (t) => {
  const bench = new Bench(t)
  bench.kept.set('member/vol/a1', JSON.stringify({ volume: 'vol', member: 'a1', state: 'there' }))
  const node = await bench.open()
  assert.equal(stateOf(node, 'a1')?.state, 'failed')
  await node.create({ ...order, member: 'a2' })
  assert.equal(stateOf(node, 'a2')?.state, 'open')
  await node.remove('vol', 'a1')
  assert.equal(stateOf(node, 'a1'), undefined)
  assert.deepEqual(bench.ended, [])
  await node.remove('vol', 'a2')
  node.end()
})
