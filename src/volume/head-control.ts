/** A head process's end of the stream to its agent. Protocol: docs/protocol/head.md. */
import type { Log } from '#base/log.ts'
import { openToOneCaller } from '#host/one-caller.ts'
import { FRAMING, FrameError } from '#wire/agent/frames.ts'
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
export async function openHeadControl({
  socketPath,
  version,
  log,
  status,
  handle,
}: HeadControlOptions): Promise<HeadControl> {
  const told = (): FromHead => ({
    type: 'status',
    protocol: HEAD_PROTOCOL_VERSION,
    version,
    pid: process.pid,
    ...status(),
  })
  const agent = await openToOneCaller<ToHead, FromHead>({
    socketPath,
    caller: 'the agent',
    framing: FRAMING,
    log,
    begin(line) {
      line.send(told())
      return { take: (message) => handle(known(message)) }
    },
  })
  return { tell: () => agent.send(told()), close: () => agent.end() }
}

function known(message: ToHead): ToHead {
  switch (message.type) {
    case 'release':
    case 'attach':
    case 'reconfigure':
    case 'certify':
    case 'shut-down':
      return message
    default:
      message satisfies never
      throw new FrameError('the agent sent a message of an unknown type')
  }
}
