/** Bytes between a client and an engine, each at the pace of the slower. */
import { BackendWatch, noticeFields } from '#wire/postgres/backend-watch.ts'
import { fatalMessage } from '#wire/postgres/opening.ts'
import type { ClientEnd } from './client-end.ts'
import type { EngineEnd } from './engine-end.ts'

/** Passes everything on as it is. */
export function splice(client: ClientEnd, engine: EngineEnd): void {
  for (const piece of client.release()) engine.socket.write(piece)
  client.socket.pipe(engine.socket)
  engine.socket.pipe(client.socket)
}

export interface GuardEvents {
  /** The engine has told the client what a request to cancel must name. */
  onKey(key: string): void
  /** The engine confesses that a commit was not waited for. */
  onUnsafe(): void
}

/** The function of the engine that waits for standbys, and warns when it stops doing so. Source: PostgreSQL, syncrep.c. */
const SYNC_WAIT_ROUTINE = 'SyncRepWaitForLSN'

/** `57014` would say that the statement had no effect, which nobody knows here. */
const UNKNOWN_OUTCOME = fatalMessage(
  '08007',
  'the wait for the synchronous standby was cancelled: whether the transaction survives a failover is not known',
)

/**
 * Passes on all that the client says, and of what the engine says all up to the warning that a commit did not reach its
 * standby; the success that the engine announces right after it never gets through.
 */
export function guard(client: ClientEnd, engine: EngineEnd, events: GuardEvents): void {
  const watch = new BackendWatch('KN', (type, body) => {
    if (type === 'K') events.onKey(cancelKey(body.readUInt32BE(0), body.subarray(4)))
    return !(type === 'N' && noticeFields(body).get('R') === SYNC_WAIT_ROUTINE)
  })
  for (const piece of client.release()) engine.socket.write(piece)
  client.socket.pipe(engine.socket)
  const resume = (): void => void engine.socket.resume()
  client.socket.on('drain', resume)
  engine.socket.on('data', (piece: Buffer) => {
    let isRoomy = true
    for (const passing of watch.push(piece)) isRoomy = client.socket.write(passing)
    if (watch.stopped) {
      engine.abort()
      client.endWith(UNKNOWN_OUTCOME)
      events.onUnsafe()
    } else if (!isRoomy) engine.socket.pause()
  })
  engine.socket.on('end', () => client.socket.end())
}

export const cancelKey = (pid: number, secret: Buffer): string => `${pid}/${secret.toString('hex')}`
