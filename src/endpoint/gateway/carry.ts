/** Bytes between a client and an engine, each at the pace of the slower. */
import { BackendWatch, noticeFields } from '#wire/postgres/backend-watch.ts'
import { fatalMessage } from '#wire/postgres/opening.ts'
import { WriteWatch } from '#wire/postgres/write-watch.ts'
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
  /** A transaction that wrote has ended: the session goes on when `then` is called, or at once, on false. */
  hold(then: () => void): boolean
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
 * standby; the success that the engine announces right after it never gets through. Between a transaction that wrote and
 * the client's next the session may be held: the client has no answer yet, and what it says already waits.
 */
export function guard(client: ClientEnd, engine: EngineEnd, events: GuardEvents): void {
  const writes = new WriteWatch()
  let hasWritten = false
  let isHeld = false
  const watch = new BackendWatch('CHKNZ', (type, body) => {
    if (type === 'H') writes.copyingOut()
    if (type === 'C') writes.completed(body)
    if (type === 'Z') hasWritten = writes.ready(body) || hasWritten
    if (type === 'K') events.onKey(cancelKey(body.readUInt32BE(0), body.subarray(4)))
    return !(type === 'N' && noticeFields(body).get('R') === SYNC_WAIT_ROUTINE)
  })
  for (const piece of client.release()) engine.socket.write(piece)
  client.socket.pipe(engine.socket)
  const resume = (): void => void (isHeld || engine.socket.resume())
  /** True: the client hears nothing for now. */
  const hold = (words: readonly Buffer[]): boolean => {
    isHeld = events.hold(() => {
      isHeld = false
      if (client.socket.destroyed || engine.socket.destroyed) return
      client.socket.pipe(engine.socket)
      if (words.map((word) => client.socket.write(word)).every(Boolean)) engine.socket.resume()
    })
    if (!isHeld) return false
    client.socket.unpipe(engine.socket)
    engine.socket.pause()
    return true
  }
  client.socket.on('drain', resume)
  engine.socket.on('data', (piece: Buffer) => {
    hasWritten = false
    const words = watch.push(piece)
    if (hasWritten && !watch.stopped && hold(words)) return
    let isRoomy = true
    for (const passing of words) isRoomy = client.socket.write(passing)
    if (watch.stopped) {
      engine.abort()
      client.endWith(UNKNOWN_OUTCOME)
      events.onUnsafe()
    } else if (!isRoomy) engine.socket.pause()
  })
  engine.socket.on('end', () => client.socket.end())
}

export const cancelKey = (pid: number, secret: Buffer): string => `${pid}/${secret.toString('hex')}`
