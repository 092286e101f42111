import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { memoryLog } from '#base/memory-log.ts'
import { dial, type Socket } from './net.ts'
import { openToOneCaller, reply, watchIdleness, type Line, type OneCaller } from './one-caller.ts'
import { SimulatedClock } from './simulated-clock.ts'

interface Said {
  readonly type: string
  readonly text?: string
}

/** A message a line; `junk` is none. */
const framing = {
  decoder: () => ({
    push(piece: Buffer) {
      const lines = piece.toString().trim().split('\n')
      if (lines.includes('junk')) throw new Error('junk')
      return lines.map((text) => ({ type: 'said', text }))
    },
  }),
  encode: (message: object) => `${JSON.stringify(message)}\n`,
}

interface Stage {
  readonly caller: OneCaller<Said>
  readonly heard: string[]
  readonly lines: Line<Said>[]
  ended: number
  dial(): Promise<Socket>
}

async function stage(t: TestContext): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-one-'))
  const socketPath = join(folder, 'socket')
  const heard: string[] = []
  const lines: Line<Said>[] = []
  const caller = await openToOneCaller<Said, Said>({
    socketPath,
    caller: 'the agent',
    framing,
    log: memoryLog(),
    begin(line) {
      lines.push(line)
      line.send({ type: 'hello' })
      return { take: ({ text }) => void heard.push(text!), ended: () => void it.ended++ }
    },
  })
  const it: Stage = { caller, heard, lines, ended: 0, dial: () => dial({ path: socketPath }) }
  t.after(async () => {
    caller.close()
    await rm(folder, { recursive: true })
  })
  return it
}

const next = async (socket: Socket): Promise<string> => String(((await once(socket, 'data')) as [Buffer])[0])

test('the latest caller is the one that is spoken with', async (t) => {
  const it = await stage(t)
  const first = await it.dial()
  assert.equal(await next(first), '{"type":"hello"}\n')
  const second = await it.dial()
  await Promise.all([once(first, 'close'), next(second)])
  it.caller.send({ type: 'news' })
  assert.equal(await next(second), '{"type":"news"}\n')
  // To one that is gone nothing is said.
  it.lines[0]!.send({ type: 'late' })
  assert.equal(it.ended, 1)
})

test('a caller that says what cannot be read is hung up on', async (t) => {
  const it = await stage(t)
  const socket = await it.dial()
  socket.resume()
  socket.write('junk\n')
  await once(socket, 'close')
  assert.deepEqual([it.heard, it.ended], [[], 1])
})

test('at the end whoever listens has heard everything', async (t) => {
  const it = await stage(t)
  const socket = await it.dial()
  await next(socket)
  let bytes = 0
  socket.on('data', (piece: Buffer) => (bytes += piece.length))
  const text = 'x'.repeat(1_000_000)
  it.caller.send({ type: 'news', text })
  await Promise.all([it.caller.end(), once(socket, 'close')])
  assert.equal(bytes, framing.encode({ type: 'news', text }).length)
})

test('a request is answered, or refused with the reason', async () => {
  const log = memoryLog()
  const answer = (done: Promise<void>): Promise<object> =>
    new Promise((send) => reply({ line: { send }, to: 7, log }, done))
  assert.deepEqual(await answer(Promise.resolve()), { type: 'reply', to: 7 })
  const refused = await answer(Promise.reject(new Error('no room')))
  assert.deepEqual(refused, { type: 'refusal', to: 7, message: 'no room' })
})

test('idle is who was not touched for a while and is of no use then', async () => {
  const clock = new SimulatedClock()
  let [isIdle, ended] = [false, 0]
  const watch = watchIdleness(clock, { afterMs: 100, isIdle: () => isIdle, ended: () => void ended++ })
  await clock.advance(150)
  assert.equal(ended, 0)
  isIdle = true
  watch.touch()
  await clock.advance(99)
  assert.equal(ended, 0)
  await clock.advance(1)
  assert.equal(ended, 1)
  watch.touch()
  watch.stop()
  await clock.advance(1_000)
  assert.equal(ended, 1)
})
