/** What keeps Holdfast from starting is said in a sentence that names it, and nothing is left running. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import {
  discard,
  eventually,
  newStateFolder,
  processesOf,
  startHoldfast,
  type HoldfastOptions,
} from '../support/holdfast.ts'

let state: string

beforeEach(async () => {
  state = await newStateFolder()
})

afterEach(() => rm(state, { recursive: true, force: true }))

/** That it ends with status 1, says what is expected in three lines at most, without a stack, and leaves no process. */
async function refuses(expected: RegExp, options: HoldfastOptions = {}): Promise<void> {
  await assert.rejects(startHoldfast({ state, ...options }), ({ message }: Error) => {
    const [how, ...said] = message.trimEnd().split('\n')
    assert.match(how!, /\(1\)/)
    assert.match(said.join('\n'), expected)
    assert.ok(said.length <= 3, message)
    assert.doesNotMatch(message, /^ +at /m)
    return true
  })
  await eventually('no process of the state folder', async () =>
    (await processesOf(state)).length === 0 ? true : undefined,
  )
}

/** A state folder that a Holdfast has used and left in order. */
async function usedState(): Promise<void> {
  const holdfast = await startHoldfast({ state })
  await holdfast.stop()
}

async function listener(): Promise<{ server: Server; port: number }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

test('a busy port for the API is named, with another one to take', async () => {
  const { server, port } = await listener()
  try {
    await refuses(new RegExp(`Port ${port} on 127.0.0.1 is in use.[^]*Next:.*--port ${port + 1}`), {
      args: ['--port', String(port)],
    })
  } finally {
    server.close()
  }
  await discard(await startHoldfast({ state }))
})

test('a state file that is no database is named, and left as it was', async () => {
  const file = join(state, 'holdfast.sqlite')
  const garbage = Buffer.alloc(8192, 'this is not a database ')
  await writeFile(file, garbage)
  await refuses(/holdfast\.sqlite is damaged or not a Holdfast state file[^]*Next:/)
  assert.deepEqual(await readFile(file), garbage)
})

test('a damaged state file of a used folder is named', async () => {
  await usedState()
  const file = join(state, 'holdfast.sqlite')
  const bytes = await readFile(file)
  bytes.fill(0xa5, 100, Math.min(bytes.length, 16_384))
  await writeFile(file, bytes)
  for (const suffix of ['-wal', '-journal']) await rm(file + suffix, { force: true })
  await refuses(/holdfast\.sqlite is damaged or not a Holdfast state file[^]*Next:/)
})

test('a damaged vault key is named, and a new one is not made in its place', async () => {
  await usedState()
  const file = join(state, 'trust', 'vault.key')
  await chmod(file, 0o600)
  await writeFile(file, 'holdfast-vault-key:1:broken:broken\n')
  await refuses(/vault\.key is damaged[^]*Next:.*--state DIR/)
  assert.equal(await readFile(file, 'utf8'), 'holdfast-vault-key:1:broken:broken\n')
})

test('a state path that is a file is named', async () => {
  const file = join(state, 'a-file')
  await writeFile(file, '')
  await refuses(/a-file cannot be used: there is a file in its place[^]*Next:.*--state DIR/, { state: file })
})

test('a state path below a file is named', async () => {
  await writeFile(join(state, 'a-file'), '')
  await refuses(/a-file\/state cannot be used: there is a file in its place[^]*Next:.*--state DIR/, {
    state: join(state, 'a-file', 'state'),
  })
})

test(
  'a state folder that may not be written to is named',
  { skip: process.getuid?.() !== 0 && 'only root can become another account for this' },
  async () => {
    await chmod(state, 0o755)
    const folder = join(state, 'closed')
    await mkdir(folder, { mode: 0o755 })
    await refuses(/closed cannot be used: it belongs to another account[^]*Next:.*--state DIR/, {
      state: folder,
      account: { uid: 65_534, gid: 65_534 },
    })
  },
)

test('a latency between regions that is none is named', async () => {
  for (const latency of ['fast', '-5', '1001'])
    await refuses(/HOLDFAST_REGION_LATENCY_MS is '.*', which is no number of milliseconds from 0 to 1000/, {
      env: { HOLDFAST_REGION_LATENCY_MS: latency },
    })
})

test('volumes that cannot be had are refused, with the reason', async () => {
  const loop = { HOLDFAST_VOLUMES: 'loop' }
  await refuses(/HOLDFAST_VOLUMES is 'btrfs'/, { env: { HOLDFAST_VOLUMES: 'btrfs' } })
  await refuses(/Simulated engines have no volumes/, { engines: 'simulated', env: loop })
  await refuses(/too small for volumes[^]*Next:/, {
    env: { ...loop, HOLDFAST_STORAGE_UNIT_BYTES: String(32 * 2 ** 20) },
  })
})

test('a way to limit serverless engines that there is not is refused', () =>
  refuses(/HOLDFAST_CAPACITY is 'none'[^]*Next: Say limits or settings/, { env: { HOLDFAST_CAPACITY: 'none' } }))

const skipAsOther = process.getuid?.() === 0 ? false : 'only root can start it as somebody else'

test('volumes are refused to who is not root', { skip: skipAsOther }, async () => {
  const account = { uid: 65_534, gid: 65_534 }
  await chown(state, account.uid, account.gid)
  await refuses(/This host cannot have loop volumes: only root may mount them/, {
    env: { HOLDFAST_VOLUMES: 'loop' },
    account,
  })
})
