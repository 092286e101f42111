/**
 * A socket at which a process is spoken with by the one that started it. Whoever calls last is the one that counts: an
 * older connection is of a process that is gone, or about to be.
 */
import { InvariantError } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/trouble.ts'
import type { Clock } from './clock.ts'
import { UNREAD_BYTES_MAX } from './limits.ts'
import { listen, type Socket } from './net.ts'

interface Message {
  readonly type: string
}

/** How messages lie in a stream. `push` throws when what has come cannot be read. */
export interface Framing {
  decoder(): { push(piece: Buffer): Message[] }
  encode(message: Message): string
}

export interface Line<Out extends Message> {
  send(message: Out): void
}

export interface Conversation<In extends Message> {
  /** Throws when it is no message of the protocol: the caller is hung up on. */
  take(message: In): void
  ended?(): void
}

export interface OneCallerOptions<In extends Message, Out extends Message> {
  /** In a folder that only we can enter: who can connect is one of us. */
  readonly socketPath: string
  /** Who calls, for the log: `the agent`. */
  readonly caller: string
  readonly framing: Framing
  readonly log: Log
  readonly begin: (line: Line<Out>) => Conversation<In>
}

export interface OneCaller<Out extends Message> {
  /** To whoever is connected. */
  send(message: Out): void
  /** Hangs up when all that was said has left this process. */
  end(): Promise<void>
  /** Hangs up at once. */
  close(): void
}

/** Resolves once somebody can call. */
export async function openToOneCaller<In extends Message, Out extends Message>(
  options: OneCallerOptions<In, Out>,
): Promise<OneCaller<Out>> {
  let current: Socket | undefined
  const server = await listen({ path: options.socketPath }, (socket) => {
    current?.destroy()
    current = socket
    options.log.info({}, `${options.caller} connected`)
    converse(socket, options)
  })
  return {
    send(message) {
      if (current) send(current, message, options.framing)
    },
    async end() {
      server.close()
      const socket = current
      if (socket && !socket.destroyed) await new Promise<void>((resolve) => socket.end(resolve))
      socket?.destroy()
    },
    close() {
      server.close()
      current?.destroy()
    },
  }
}

function converse<In extends Message, Out extends Message>(socket: Socket, options: OneCallerOptions<In, Out>): void {
  const { framing, caller, log } = options
  const decoder = framing.decoder()
  const conversation = options.begin({ send: (message) => send(socket, message, framing) })
  socket.on('error', (error) => log.debug({ error }, `the stream to ${caller} failed`))
  socket.on('close', () => conversation.ended?.())
  socket.on('data', (piece: Buffer) => {
    try {
      for (const message of decoder.push(piece)) conversation.take(message as In)
    } catch (error) {
      if (error instanceof InvariantError) throw error
      log.warn({ error }, `${caller} sent what cannot be read`)
      socket.destroy()
    }
  })
}

function send(socket: Socket, message: Message, framing: Framing): void {
  if (socket.destroyed) return
  socket.write(framing.encode(message))
  if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy()
}

/** Says what has become of a request: a refusal with its reason when it fails. */
export function reply(
  { line, to, log }: { readonly line: Line<Reply>; readonly to: number; readonly log: Log },
  done: Promise<void>,
): void {
  done.then(
    () => line.send({ type: 'reply', to }),
    (error: unknown) => {
      if (error instanceof InvariantError) throw error
      log.warn({ error }, 'a request was refused')
      line.send({ type: 'refusal', to, message: messageOf(error) })
    },
  )
}

type Reply =
  | { readonly type: 'reply'; readonly to: number }
  | { readonly type: 'refusal'; readonly to: number; readonly message: string }

/** Calls `ended` once nothing was touched for so long, and the process is of no use. */
export function watchIdleness(
  clock: Clock,
  { afterMs, isIdle, ended }: { readonly afterMs: number; isIdle(): boolean; ended(): void },
): { touch(): void; stop(): void } {
  const start = () => clock.after(afterMs, () => (isIdle() ? ended() : touch()))
  let timer = start()
  const touch = (): void => {
    timer.cancel()
    timer = start()
  }
  return { touch, stop: () => timer.cancel() }
}
