/** The log node's end of the stream to its host's agent. */
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import { openToOneCaller, reply, watchIdleness } from '#host/one-caller.ts'
import { FRAMING, FrameError } from '#wire/agent/frames.ts'
import { LOGNODE_PROTOCOL_VERSION, type FromLogNode, type ToLogNode } from '#wire/lognode/messages.ts'
import { IDLE_MS } from './log-node/limits.ts'
import type { LogNode } from './log-node.ts'

export interface LogNodeControlOptions {
  readonly node: LogNode
  /** In a folder that only we can enter: who can connect is one of us. */
  readonly socketPath: string
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

export interface LogNodeControl {
  /** Why the process is to end. `idle`: it has had no members for a while. */
  readonly ended: Promise<'shut-down' | 'idle'>
  /** Hangs up, which tells the agent that the process has ended: to be called last. */
  close(): void
}

/** Resolves once the agent can dial in. */
export async function openLogNodeControl(options: LogNodeControlOptions): Promise<LogNodeControl> {
  const { node, socketPath, version, clock, log } = options
  const ended = Promise.withResolvers<'shut-down' | 'idle'>()
  const idle = watchIdleness(clock, {
    afterMs: IDLE_MS,
    isIdle: () => node.size === 0,
    ended: () => ended.resolve('idle'),
  })
  const agent = await openToOneCaller<ToLogNode, FromLogNode>({
    socketPath,
    caller: 'the agent',
    framing: FRAMING,
    log,
    begin(line) {
      const stopReports = node.onReport((report) => line.send(report))
      line.send({ type: 'hello', protocol: LOGNODE_PROTOCOL_VERSION, version, pid: process.pid, ...node.observed() })
      return {
        ended: stopReports,
        take(message) {
          // One that is merely looked after is idle.
          if (message.type !== 'ping') idle.touch()
          if (message.type === 'shut-down') ended.resolve('shut-down')
          else reply({ line, to: message.seq, log }, handle(node, message))
        },
      }
    },
  })
  return {
    ended: ended.promise,
    close() {
      idle.stop()
      agent.close()
    },
  }
}

async function handle(node: LogNode, message: Exclude<ToLogNode, { type: 'shut-down' }>): Promise<void> {
  switch (message.type) {
    case 'configure':
      return node.configure(message.terms)
    case 'volume':
      return node.describe(message.terms)
    case 'create':
      return node.create(message.order)
    case 'remove':
      return node.remove(message.volume, message.member)
    case 'prune':
      return node.prune(message.volume, message.before)
    case 'ping':
      return undefined
    case 'relay':
      return node.relays.keep(message.terms)
    case 'end-relay':
      return node.relays.end(message.volume)
    default:
      message satisfies never
      throw new FrameError('the agent sent a message of an unknown type')
  }
}
