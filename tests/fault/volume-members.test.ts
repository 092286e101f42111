/**
 * The copies of a cluster volume, one writer, and what becomes of them: log nodes that die, hang, or lose their disk. Whatever
 * was acknowledged is there after each, and the copies are six again. The log node of zone c has a disk of its own.
 */
import assert from 'node:assert/strict'
import { open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { DBCluster } from '@aws-sdk/client-rds'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import { addInstance, createAurora, PREVIEW, wholeAurora } from '../support/aurora.ts'
import { membersOf, writerEndpoint } from '../support/cluster.ts'
import { query } from '../support/database.ts'
import { eventually, health, newStateFolder, processesOf, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { engineOf, signalAll, zoneOf } from '../support/processes.ts'
import { cannotMount, FailingDisk, SmallDisk } from '../support/small-disk.ts'

const ID = 'shop'
const MIB = 2 ** 20
/** Two copies with all of the log, and with a file that is ready, each. */
const DISK_BYTES = 400 * MIB
/** A byte of a file that is not in its first frame, by which it is known when a log node starts. */
const FLIPPED = 150_000

const skip = await cannotMount()
/** Put down in reverse order, also where what was to come next could not be had. */
const world = new AsyncDisposableStack()
let holdfast: Holdfast
let state: string
let disk: FailingDisk
let cluster: DBCluster
let traffic: AcknowledgedInserts

before(async () => {
  state = await newStateFolder()
  world.defer(() => rm(state, { recursive: true }))
  if (skip === false) {
    const below = world.use(await SmallDisk.mount(join(state, 'device'), 2 * DISK_BYTES))
    disk = world.use(await FailingDisk.mount(copiesIn('c'), below, DISK_BYTES))
  }
  holdfast = await startHoldfast({ state, env: PREVIEW })
  world.defer(async () => {
    await holdfast.stop()
    await eventually('no process is left', async () => ((await processesOf(state)).length === 0 ? true : undefined))
  })
  const rds = holdfast.rds()
  await createAurora(rds, ID)
  await addInstance(rds, ID, `${ID}-1`)
  cluster = await wholeAurora(rds, ID, ({ DBClusterMembers }) => DBClusterMembers?.length === 1)
  await query(holdfast, writerEndpoint(cluster), 'create table written (n int)')
  traffic = world.use(new AcknowledgedInserts(holdfast, writerEndpoint(cluster)))
})

after(() => world.disposeAsync())

function copiesIn(zone: string): string {
  return join(state, 'hosts', zone, 'lognode', 'volumes')
}

/** The process that is the log node of a zone now. */
const logNodeOf = (zone: string): Promise<number> =>
  eventually(`a log node in ${zone}`, async () => {
    const text = await readFile(join(state, 'hosts', zone, 'lognode', 'lognode.json'), 'utf8')
    const { pid } = JSON.parse(text) as { pid: number }
    process.kill(pid, 0)
    return pid
  })

const kill = async (zone: string): Promise<void> => signalAll([await logNodeOf(zone)], 'SIGKILL')

const volumeFolder = (zone: string): string => join(copiesIn(zone), cluster.DbClusterResourceId!)

const copies = async (): Promise<string[]> =>
  (await Promise.all(['a', 'b', 'c'].map((zone) => readdir(volumeFolder(zone))))).flat().sort()

const isFilled = (bytes: Buffer): boolean => bytes.some((byte) => byte !== 0)

/** Nothing is to be done about the copies, and these they are. */
const whole = (expected: readonly string[]): Promise<true> =>
  eventually(`the copies are ${expected.join(', ')}`, async () => {
    const { flows } = await health(holdfast)
    const step = flows.find(({ name }) => name === 'keep-volume-members')?.step
    return step === 'watch' && (await copies()).join() === expected.join() ? true : undefined
  })

/** With zone b away, each commit needs both copies in c: they have all there is, then. */
async function needed(zone: 'c'): Promise<void> {
  assert.equal(zone, 'c')
  const silent = await logNodeOf('b')
  signalAll([silent], 'SIGSTOP')
  await traffic.more(20)
  signalAll([silent], 'SIGCONT')
}

test('a log node that is killed takes no commit with it, and is started again', async () => {
  await traffic.more(20)
  const pid = await logNodeOf('b')
  await kill('b')
  await traffic.more(20)
  await eventually('the next one is there', async () => ((await logNodeOf('b')) === pid ? undefined : true))
})

/** So much that every copy needs another file. */
const large = (): Promise<unknown> =>
  query(
    holdfast,
    writerEndpoint(cluster),
    `insert into filling select repeat(md5(random()::text), 32) from generate_series(1, 36000)`,
  )

test(
  'a full disk under one log node holds nobody up, and its copies catch up when there is room',
  { skip },
  async () => {
    await query(holdfast, writerEndpoint(cluster), 'create table filling (text text)')
    await disk.fill()
    await large()
    await traffic.more(20)
    await disk.empty()
    await needed('c')
    await whole(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
  },
)

test('a disk that fails at fsync takes its copies with it, and new ones come on the next disk', { skip }, async () => {
  const pid = await logNodeOf('c')
  await disk.fail()
  await large()
  await eventually('its log node ends', async () => ((await logNodeOf('c')) === pid ? undefined : true))
  await traffic.more(20)
  await disk.replace()
  await whole(['a1', 'a2', 'b1', 'b2', 'c3', 'c4'])
  await needed('c')
})

test('a copy whose folder is gone gives way to a new one, over the deaths of serve and of the writer', async () => {
  signalAll([await logNodeOf('b')], 'SIGSTOP')
  await rm(join(volumeFolder('b'), 'b1'), { recursive: true })
  const [writer] = await membersOf(holdfast.rds(), cluster)
  await kill('b')
  await holdfast.kill()
  // Whoever has the one of before has the next one.
  Object.assign(holdfast, await startHoldfast({ state, env: PREVIEW }))
  signalAll([await engineOf(state, zoneOf(writer!), writer!)], 'SIGKILL')
  await whole(['a1', 'a2', 'b2', ...(skip === false ? ['b5', 'c3', 'c4'] : ['b3', 'c1', 'c2'])])
  await traffic.more(20)
  await needed('c')
})

test('a log node that hangs while a new epoch begins is none the worse, and takes part again', async () => {
  const [writer] = await membersOf(holdfast.rds(), cluster)
  const silent = await logNodeOf('b')
  signalAll([silent], 'SIGSTOP')
  signalAll([await engineOf(state, zoneOf(writer!), writer!)], 'SIGKILL')
  await traffic.more(20)
  await eventually('another process is in its place', async () =>
    (await logNodeOf('b')) === silent ? undefined : true,
  )
  await needed('c')
})

test('a bit that flips in a file of the log is mended from a peer', async () => {
  // It is serve that says which log goes: a file that nobody needs any more would be gone, not mended.
  signalAll([holdfast.process.pid!], 'SIGSTOP')
  try {
    const path = await filledFile(join(volumeFolder('b'), (await readdir(volumeFolder('b'))).sort()[0]!))
    const byteAt = async (): Promise<number> => (await readFile(path))[FLIPPED]!
    const byte = await byteAt()
    const file = await open(path, 'r+')
    await file.write(Buffer.of(byte ^ 1), 0, 1, FLIPPED)
    await file.close()
    // Its log node would come by here in minutes; the next one begins at the beginning.
    await kill('b')
    await eventually('it is what it was', async () => ((await byteAt()) === byte ? true : undefined))
  } finally {
    signalAll([holdfast.process.pid!], 'SIGCONT')
  }
})

/** The first one with log where a byte will flip, so that it is soon looked at: most have little, and zeros behind. */
async function filledFile(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.log')).sort()
  const contents = await Promise.all(files.map((name) => readFile(join(folder, name))))
  const at = contents.findIndex((bytes) => isFilled(bytes.subarray(FLIPPED, FLIPPED + 1_000)))
  return join(folder, files[at]!)
}

test('with four copies silent nothing is acknowledged, and all goes on when they are back', async () => {
  const silent = [await logNodeOf('b'), await logNodeOf('c')]
  const { failures } = traffic
  signalAll(silent, 'SIGSTOP')
  await eventually('the writer is ended', () => (traffic.failures > failures ? true : undefined))
  signalAll(silent, 'SIGCONT')
  await traffic.more(20)
})

test('all that was acknowledged is there', async () => {
  await traffic.stop()
  await traffic.assertKept()
})
