/** The log node's end of the stream to its host's agent, which dials in; the latest connection is the one that counts. */
import { InvariantError } from '#base/assert.ts'
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import { listen, type Socket } from '#host/net.ts'
import { FrameDecoder, FrameError, encodeFrame } from '#wire/agent/frames.ts'
import { FRAME_BYTES_MAX } from '#wire/agent/limits.ts'
import { LOGNODE_PROTOCOL_VERSION, type FromLogNode, type ToLogNode } from '#wire/lognode/messages.ts'
import { IDLE_MS, UNSENT_BYTES_MAX } from './log-node/limits.ts'
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
  const { node, clock, log } = options
  const ended = Promise.withResolvers<'shut-down' | 'idle'>()
  let current: Socket | undefined
  let idle: Timer | undefined
  const countIdle = (): void => {
    idle?.cancel()
    idle = clock.after(IDLE_MS, () => {
      if (node.size === 0) ended.resolve('idle')
      else countIdle()
    })
  }
  countIdle()
  const server = await listen({ path: options.socketPath }, (socket) => {
    current?.destroy()
    current = socket
    log.info({}, 'the agent connected')
    converse(socket, options, (message) => {
      // One that is merely looked after is idle.
      if (message.type !== 'ping') countIdle()
      if (message.type === 'shut-down') ended.resolve('shut-down')
      else reply(socket, message.seq, handle(node, message), log)
    })
  })
  return {
    ended: ended.promise,
    close() {
      idle?.cancel()
      server.close()
      current?.destroy()
    },
  }
}

function converse(socket: Socket, options: LogNodeControlOptions, take: (message: ToLogNode) => void): void {
  const { node, version, log } = options
  const decoder = new FrameDecoder(FRAME_BYTES_MAX)
  const stopReports = node.onReport((report) => send(socket, report))
  socket.on('error', (error) => log.debug({ error }, 'the stream to the agent failed'))
  socket.on('close', stopReports)
  socket.on('data', (piece: Buffer) => {
    try {
      for (const message of decoder.push(piece)) take(message as ToLogNode)
    } catch (error) {
      if (error instanceof InvariantError) throw error
      log.warn({ error }, 'the agent sent what cannot be read')
      socket.destroy()
    }
  })
  send(socket, { type: 'hello', protocol: LOGNODE_PROTOCOL_VERSION, version, pid: process.pid, ...node.observed() })
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

function reply(socket: Socket, to: number, done: Promise<void>, log: Log): void {
  done.then(
    () => send(socket, { type: 'reply', to }),
    (error: unknown) => {
      if (error instanceof InvariantError) throw error
      log.warn({ error }, 'a request of the agent was refused')
      send(socket, { type: 'refusal', to, message: messageOf(error) })
    },
  )
}

function send(socket: Socket, message: FromLogNode): void {
  if (socket.destroyed) return
  socket.write(encodeFrame(message))
  if (socket.writableLength > UNSENT_BYTES_MAX) socket.destroy()
}
