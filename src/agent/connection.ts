/**
 * An agent's end of the stream to serve: it dials, says hello, answers requests and reports, for ever. Serve may come
 * and go; what happens meanwhile is in the next hello.
 */
import { messageOf } from '#base/trouble.ts'
import { InvariantError } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import { FrameDecoder, FrameError, encodeFrame } from '#wire/agent/frames.ts'
import { FRAME_BYTES_MAX } from '#wire/agent/limits.ts'
import { AGENT_PROTOCOL_VERSION } from '#wire/agent/messages.ts'
import type { FromAgent, ToAgent } from '#wire/agent/messages.ts'
import type { Agent } from './agent.ts'
import { IDLE_MS, REDIAL_PAUSES_MS, UNSENT_BYTES_MAX } from './limits.ts'

export interface ConnectionOptions {
  readonly agent: Agent
  /** A connected socket to serve. Rejects when serve is not there. */
  readonly dial: () => Promise<Socket>
  /** The secret that shows serve who we are; read again for every connection. */
  readonly token: () => Promise<string>
  /** Version of Holdfast that this process runs. */
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

/** Why the agent is to end. `idle`: it has nothing to look after, and serve dismissed it or has been away for a while. */
export type Farewell = 'retire' | 'shut-down' | 'idle'

/**
 * Stays connected until serve asks this agent to end, or nobody needs it. The stream stays open meanwhile: its closing
 * tells serve that the agent has ended, so the caller does what was asked for and then calls `close`.
 */
export async function serveRequests(options: ConnectionOptions): Promise<{ farewell: Farewell; close(): void }> {
  const { clock, log } = options
  let failures = 0
  let seenAt = clock.monotonic()
  for (;;) {
    const conversation = await converse(options)
    if (conversation) {
      failures = 0
      const ended = await conversation.ended
      if (ended !== 'lost') return { farewell: ended, close: () => conversation.close() }
      log.info({}, 'serve is gone; engines go on')
      seenAt = clock.monotonic()
    }
    if (options.agent.idle && clock.monotonic() - seenAt > IDLE_MS) return { farewell: 'idle', close: () => {} }
    await clock.sleep(REDIAL_PAUSES_MS[Math.min(failures++, REDIAL_PAUSES_MS.length - 1)]!)
  }
}

async function converse(options: ConnectionOptions): Promise<Conversation | undefined> {
  try {
    const token = await options.token()
    return new Conversation(options, await options.dial(), token)
  } catch (error) {
    if (error instanceof InvariantError) throw error
    options.log.debug({ error }, 'serve cannot be reached')
    return undefined
  }
}

function send(socket: Socket, message: FromAgent): void {
  if (socket.destroyed) return
  socket.write(encodeFrame(message))
  if (socket.writableLength > UNSENT_BYTES_MAX) socket.destroy()
}

/** One connection. The order of what is sent is the order in which things happened. */
class Conversation {
  readonly ended: Promise<Farewell | 'lost'>
  private readonly options: ConnectionOptions
  private readonly socket: Socket
  private readonly decoder = new FrameDecoder(FRAME_BYTES_MAX)
  private readonly end: (how: Farewell | 'lost') => void

  constructor(options: ConnectionOptions, socket: Socket, token: string) {
    const { promise, resolve } = Promise.withResolvers<Farewell | 'lost'>()
    this.options = options
    this.socket = socket
    this.end = resolve
    this.ended = promise
    const stopReports = options.agent.onReport((report) => send(socket, report))
    socket.on('error', (error) => options.log.debug({ error }, 'the stream to serve failed'))
    socket.on('data', (piece: Buffer) => this.receive(piece))
    socket.on('close', () => {
      stopReports()
      resolve('lost')
    })
    // In the same turn as listening to reports, so that no change falls between what the hello says and they say.
    const { agent, version } = options
    const instances = agent.observed()
    const protocol = AGENT_PROTOCOL_VERSION
    send(socket, { type: 'hello', protocol, version, az: agent.az, pid: process.pid, token, instances })
  }

  close(): void {
    this.socket.destroy()
  }

  private receive(piece: Buffer): void {
    try {
      for (const message of this.decoder.push(piece)) this.handle(message as ToAgent)
    } catch (error) {
      if (error instanceof InvariantError) throw error
      this.options.log.warn({ error }, 'serve sent what cannot be read')
      this.socket.destroy()
    }
  }

  private handle(message: ToAgent): void {
    const { agent } = this.options
    switch (message.type) {
      case 'welcome':
        return this.options.log.info({}, 'connected to serve')
      case 'dismiss':
        if (agent.idle) this.end('idle')
        return
      case 'retire':
      case 'shut-down':
        return this.end(message.type)
      case 'start-job':
        return this.reply(message.seq, agent.startJob(message.jobId, message.kind, message.input as never))
      case 'get-job':
        return this.reply(message.seq, Promise.resolve(agent.job(message.jobId)))
      case 'cancel-jobs':
        return this.reply(message.seq, agent.cancelJobs(message.prefix))
      case 'forget-jobs':
        return this.reply(message.seq, agent.forgetJobs(message.prefix))
      case 'ask':
        return this.reply(message.seq, agent.ask(message.question, message.input as never))
      default:
        message satisfies never
        throw new FrameError('serve sent a message of an unknown type')
    }
  }

  private reply(to: number, answer: Promise<unknown>): void {
    const refuse = (error: unknown): void => {
      if (error instanceof InvariantError) throw error
      this.options.log.warn({ error }, 'a request of serve was refused')
      send(this.socket, { type: 'refusal', to, message: messageOf(error) })
    }
    void answer.then((value) => send(this.socket, { type: 'reply', to, value }), refuse)
  }
}
