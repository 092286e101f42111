import { dialTcp } from '#host/tcp.ts'
import type { RouteTarget } from '#wire/endpoint/messages.ts'
import { CANCEL_MS_MAX } from '../limits.ts'

/**
 * Hands a request to cancel to an engine, and resolves when the engine has taken it: true. False: it may take it yet. An
 * engine ignores one that names no session of its own, so a request whose session is not known may go to several. Never
 * rejects: nobody is told.
 */
export async function sendCancel(target: RouteTarget, packet: Buffer): Promise<boolean> {
  let socket
  try {
    socket = await dialTcp(target, CANCEL_MS_MAX)
  } catch {
    // The client's library does not learn more from an engine either.
    return true
  }
  socket.on('error', () => {}).setTimeout(CANCEL_MS_MAX, () => socket.destroy())
  socket.resume().end(packet)
  await new Promise((resolve) => socket.once('close', resolve))
  // It hangs up when it has sent the signal.
  return socket.readableEnded
}
