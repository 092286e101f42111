/** The role `head`: beside the writer of one cluster volume. Started by its agent, detached: `head --spec FILE`. */
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '#host/clock.ts'
import { readText } from '#host/disk.ts'
import { socketFolder } from '#host/net.ts'
import { systemRandom } from '#host/random.ts'
import { nextTurn } from '#host/turn.ts'
import { peerContext } from '#host/mutual-tls.ts'
import { openLog } from '#telemetry/log.ts'
import { logNodeDialer } from '#volume/dial-log-node.ts'
import { openHeadControl, type HeadControl } from '#volume/head-control.ts'
import { HeadProcess } from '#volume/head-process.ts'
import type { HeadSpec, ToHead } from '#wire/head/messages.ts'
import { VERSION } from './version.ts'

/** Beside the spec. */
const SOCKET = 'head.sock'
/** Another epoch has begun, or may have: the agent ends the engine. */
const FENCED = 3

export async function runHead(argv: readonly string[]): Promise<void> {
  const { spec: path } = parseArgs({ args: [...argv], options: { spec: { type: 'string' } } }).values
  if (path === undefined) throw new TypeError('head: --spec is needed')
  const text = await readText(path)
  if (text === undefined) throw new Error(`there is no ${path}`)
  const spec = JSON.parse(text) as HeadSpec
  const level = process.env['HOLDFAST_LOG'] === 'debug' ? 'debug' : 'info'
  const fields = { role: 'head', volume: spec.volume, epoch: spec.epoch }
  const log = openLog({ level, clock: systemClock, destination: process.stderr, fields })
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
  const end = Promise.withResolvers<number>()
  process.once('SIGTERM', () => end.resolve(0))
  let context = peerContext(spec.tls)
  let control: HeadControl | undefined
  const head = new HeadProcess(spec, {
    dial: logNodeDialer(() => context),
    clock: systemClock,
    random: systemRandom,
    log,
    defer: nextTurn,
    changed: () => control?.tell(),
    fenced(reason) {
      log.warn({ reason }, 'the writer has to end')
      end.resolve(FENCED)
    },
  })
  control = await openHeadControl({
    socketPath: join(await socketFolder(dirname(path), SOCKET), SOCKET),
    version: VERSION,
    log,
    status: () => head.status(),
    handle: (message) => {
      if (message.type === 'certify') context = peerContext(message.tls)
      else take(head, message, () => end.resolve(0))
    },
  })
  head.start()
  log.info({ pid: process.pid, version: VERSION }, 'head started')
  const code = await end.promise
  head.close()
  control.tell()
  await control.close()
  log.info({ code }, 'head ends')
  process.exit(code)
}

function take(head: HeadProcess, message: Exclude<ToHead, { type: 'certify' }>, shutDown: () => void): void {
  switch (message.type) {
    case 'release':
      return head.release(message.reader)
    case 'attach':
      return head.attach()
    case 'reconfigure':
      return head.reconfigure(message)
    case 'shut-down':
      return shutDown()
  }
}
