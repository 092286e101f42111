import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { lockFolder } from '#host/folder-lock.ts'
import { startTimeOf } from '#host/process.ts'
import { stateFolder } from '#role/state-folder.ts'
import { HostLogNodes, START, VOLUME, ZONES } from '../support/host-log-nodes.ts'
import { eventually } from '../support/eventually.ts'
import { signalAll } from '../support/processes.ts'
import { program } from '../support/program.ts'

const seed = Buffer.alloc(100_000, 's')
const hosts = await HostLogNodes.open(seed)
after(() => hosts.close())

const pidOf = (zone: (typeof ZONES)[number]): Promise<number> =>
  eventually(`the log node of ${zone} is connected`, () => hosts.node(zone).observed()?.pid)

async function kill(zone: (typeof ZONES)[number]): Promise<void> {
  const pid = await pidOf(zone)
  process.kill(pid, 'SIGKILL')
  await eventually('its death is seen', () => (hosts.node(zone).observed()?.pid === pid ? undefined : true))
}

const endsOf = (): (number | undefined)[] => hosts.places.map(({ member }) => hosts.member(member)?.end)

test('while another process has the folder of a member, the log node does not come up', async () => {
  const pid = await pidOf('a')
  const paths = stateFolder(hosts.state).lognode('a')
  await hosts.node('a').shutDown()
  assert.equal(startTimeOf(pid), undefined)
  const lock = lockFolder(join(paths.members, VOLUME, 'a1'))
  assert.ok(lock)
  const args = [program(), 'lognode', '--state', hosts.state, '--az', 'a']
  await assert.rejects(promisify(execFile)(process.execPath, args), /another process has/)
  lock.release()
  await hosts.connect('a')
  await eventually('its members are open', () => (hosts.member('a1') && hosts.member('a2') ? true : undefined))
})

test('six copies in three processes: what is acknowledged survives kill -9 of one, and then of all', async () => {
  const first = await hosts.head(2)
  await first.begin()
  assert.equal(first.end, START + seed.length)
  first.write(Buffer.alloc(50_000, 1))
  await first.committed()
  await kill('b')
  // Four of six are left, and are enough.
  for (let at = 0; at < 50; at++) first.write(Buffer.alloc(20_000, at))
  await first.committed()
  const acknowledged = first.durable
  await eventually('the one that died is started again, and has got what it lacks', () =>
    endsOf().every((end) => end === acknowledged) ? true : undefined,
  )
  first.write(Buffer.alloc(10, 9))
  await first.committed()
  await Promise.all(ZONES.map(kill))
  first.die()
  const second = await hosts.head(3)
  await second.begin()
  assert.ok(second.end >= first.durable)
  second.write(Buffer.alloc(1_000, 2))
  await second.committed()
  await eventually('all six have it', () => (endsOf().every((end) => end === second.end) ? true : undefined))
  for (const { member } of hosts.places) {
    const seen = hosts.member(member)
    assert.deepEqual(
      seen?.history.map(({ epoch }) => epoch),
      [1, 2, 3],
    )
    assert.equal(seen?.promised, 3)
  }
  assert.equal(second.fenced, undefined)
  second.die()
})

test('a head of an epoch that is over is fenced by those who promised a later one', async () => {
  const newer = await hosts.head(5)
  await newer.begin()
  const older = await hosts.head(4)
  await eventually('the older one is fenced', () => older.fenced)
  newer.write(Buffer.alloc(100))
  await newer.committed()
  older.die()
  newer.die()
})

test('readers get what is durable and no more, and go on at the next process of a log node that died', async (t) => {
  const head = await hosts.head(6)
  t.after(() => head.die())
  await head.begin()
  const { end: start } = head
  const written = Buffer.alloc(70_000, 'w')
  head.write(written)
  await head.committed()
  const reader = await hosts.reader('a')
  t.after(() => reader.close())
  await reader.start(start, 6).started
  await eventually('it has all that is durable', () => (reader.end === head.durable ? true : undefined))
  assert.deepEqual(reader.received, written)
  await eventually('the agent sees it', () =>
    hosts
      .node('a')
      .observed()
      ?.readers.find(({ volume, sent }) => volume === VOLUME && sent === head.durable),
  )
  // Two of six in a process are away, and two more: nothing new is durable, whatever the others have.
  const [b, c] = [await pidOf('b'), await pidOf('c')]
  for (const pid of [b, c]) {
    process.kill(pid, 'SIGSTOP')
    await eventually('it stands still', async () =>
      /\) T /.test(await readFile(`/proc/${pid}/stat`, 'utf8')) ? true : undefined,
    )
  }
  head.write(Buffer.alloc(30_000, 'x'))
  await eventually('both members there have it', () =>
    hosts.member('a1')?.end === head.end && hosts.member('a2')?.end === head.end ? true : undefined,
  )
  assert.deepEqual([head.durable, reader.end], [start + 70_000, start + 70_000])
  // Should this have taken long, they were replaced meanwhile.
  signalAll([b, c], 'SIGCONT')
  await eventually('then it is', () => (reader.end === head.end ? true : undefined))
  await kill('a')
  const next = await eventually('it is let in again', () => hosts.reader('a'))
  t.after(() => next.close())
  await next.start(start, 6).started
  await eventually('it has all', () => (next.end === head.end ? true : undefined))
})

test('an agent that comes later finds the process of the one before', async () => {
  const pid = await pidOf('a')
  hosts.node('a').close()
  await hosts.connect('a')
  assert.equal(await pidOf('a'), pid)
  assert.equal(hosts.node('a').busy, true)
  assert.deepEqual(
    hosts
      .node('a')
      .observed()
      ?.members.map(({ member, state }) => [member, state]),
    [
      ['a1', 'open'],
      ['a2', 'open'],
    ],
  )
})

test('a second process on the same folder ends at once, and the first goes on', async () => {
  const pid = await pidOf('a')
  await promisify(execFile)(process.execPath, [program(), 'lognode', '--state', hosts.state, '--az', 'a'])
  assert.equal(await pidOf('a'), pid)
  assert.equal(
    (JSON.parse(await readFile(stateFolder(hosts.state).lognode('a').identity, 'utf8')) as { pid: number }).pid,
    pid,
  )
})

test('a member that is removed is gone with its folder, and does not come back with the next process', async () => {
  const folder = join(stateFolder(hosts.state).lognode('c').members, VOLUME)
  await hosts.node('c').remove(VOLUME, 'c2')
  assert.deepEqual([existsSync(join(folder, 'c1')), existsSync(join(folder, 'c2'))], [true, false])
  await kill('c')
  const members = await eventually('it is there again', () => hosts.node('c').observed()?.members)
  assert.deepEqual(
    members.map(({ member }) => member),
    ['c1'],
  )
})

test('one that is told to end stays away, and keeps its members for the next', async () => {
  const pid = await pidOf('b')
  await hosts.node('b').shutDown()
  assert.equal(startTimeOf(pid), undefined)
  assert.equal(existsSync(stateFolder(hosts.state).lognode('b').identity), false)
  hosts.node('b').close()
  await hosts.connect('b')
  assert.notEqual(await pidOf('b'), pid)
  await eventually('its members are open', () => (hosts.member('b1') && hosts.member('b2') ? true : undefined))
})
