/** The endpoint process's end of the stream to serve. */
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import { openToOneCaller, reply, watchIdleness } from '#host/one-caller.ts'
import { FRAMING, FrameError } from '#wire/agent/frames.ts'
import { ENDPOINT_PROTOCOL_VERSION, type FromEndpoint, type ToEndpoint } from '#wire/endpoint/messages.ts'
import type { Gateways } from './gateways.ts'
import { IDLE_MS } from './limits.ts'

export interface ControlStreamOptions {
  readonly gateways: Gateways
  /** In a folder that only we can enter: who can connect is one of us. */
  readonly socketPath: string
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

/** Why the process is to end. `idle`: there has been no route for a while. */
export type Farewell = 'shut-down' | 'idle'

export interface ControlStream {
  readonly ended: Promise<Farewell>
  /** Hangs up, which tells serve that the process has ended: to be called last. */
  close(): void
}

/** Resolves once serve can dial in. */
export async function openControlStream({
  gateways,
  socketPath,
  version,
  clock,
  log,
}: ControlStreamOptions): Promise<ControlStream> {
  const ended = Promise.withResolvers<Farewell>()
  const idle = watchIdleness(clock, {
    afterMs: IDLE_MS,
    isIdle: () => gateways.observed().length === 0,
    ended: () => ended.resolve('idle'),
  })
  const serve = await openToOneCaller<ToEndpoint, FromEndpoint>({
    socketPath,
    caller: 'serve',
    framing: FRAMING,
    log,
    begin(line) {
      const stopReports = gateways.onReport((report) => line.send(report))
      const routes = gateways.observed()
      line.send({ type: 'hello', protocol: ENDPOINT_PROTOCOL_VERSION, version, pid: process.pid, routes })
      return {
        ended: stopReports,
        take(message) {
          idle.touch()
          if (message.type === 'shut-down') ended.resolve('shut-down')
          else reply({ line, to: message.seq, log }, handle(gateways, message))
        },
      }
    },
  })
  return {
    ended: ended.promise,
    close() {
      idle.stop()
      serve.close()
    },
  }
}

async function handle(gateways: Gateways, message: Exclude<ToEndpoint, { type: 'shut-down' }>): Promise<void> {
  switch (message.type) {
    case 'apply':
      return gateways.apply(message.route, message.wait)
    case 'allow':
      return gateways.allow(message.id, message.allowedSources)
    case 'throttle':
      return gateways.throttle(message.id, message.delayMs, message.forMs)
    case 'remove':
      return gateways.remove(message.id)
    default:
      message satisfies never
      throw new FrameError('serve sent a message of an unknown type')
  }
}
