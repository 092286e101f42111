/** A head process's end of the stream to its agent. Protocol: docs/protocol/head.md. */
import { InvariantError } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import { listen, type Socket } from '#host/net.ts'
import { FrameDecoder, FrameError, encodeFrame } from '#wire/agent/frames.ts'
import { FRAME_BYTES_MAX } from '#wire/agent/limits.ts'
import { HEAD_PROTOCOL_VERSION, type FromHead, type HeadStatus, type ToHead } from '#wire/head/messages.ts'

export interface HeadControlOptions {
  /** In a folder that only we can enter: who can connect is one of us. */
  readonly socketPath: string
  readonly version: string
  readonly log: Log
  readonly status: () => HeadStatus
  readonly handle: (message: ToHead) => void
}

export interface HeadControl {
  /** Whoever listens hears how it is now. */
  tell(): void
  /** Resolves when what was told has left this process. */
  close(): Promise<void>
}

/** Resolves once the agent can dial in. */
export async function openHeadControl(options: HeadControlOptions): Promise<HeadControl> {
  const { socketPath, log } = options
  let current: Socket | undefined
  const server = await listen({ path: socketPath }, (socket) => {
    current?.destroy()
    current = socket
    const decoder = new FrameDecoder(FRAME_BYTES_MAX)
    socket.on('error', (error) => log.debug({ error }, 'the stream to the agent failed'))
    socket.on('data', (piece: Buffer) => {
      try {
        for (const message of decoder.push(piece)) handle(options, message as ToHead)
      } catch (error) {
        if (error instanceof InvariantError) throw error
        log.warn({ error }, 'the agent sent what cannot be read')
        socket.destroy()
      }
    })
    send(socket, options)
  })
  return {
    tell() {
      if (current) send(current, options)
    },
    async close() {
      server.close()
      const socket = current
      if (socket && !socket.destroyed) await new Promise<void>((resolve) => socket.end(resolve))
      socket?.destroy()
    },
  }
}

function handle({ handle: take }: HeadControlOptions, message: ToHead): void {
  switch (message.type) {
    case 'release':
    case 'attach':
    case 'reconfigure':
    case 'certify':
    case 'shut-down':
      return take(message)
    default:
      message satisfies never
      throw new FrameError('the agent sent a message of an unknown type')
  }
}

function send(socket: Socket, { status, version }: HeadControlOptions): void {
  if (socket.destroyed) return
  const message: FromHead = { type: 'status', protocol: HEAD_PROTOCOL_VERSION, version, pid: process.pid, ...status() }
  socket.write(encodeFrame(message))
}
