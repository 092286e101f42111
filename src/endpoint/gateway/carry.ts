/** Bytes between a client and an engine, each at the pace of the slower. */
import { BackendWatch, noticeFields } from '#wire/postgres/backend-watch.ts'
import { fatalMessage } from '#wire/postgres/opening.ts'
import { WriteWatch } from '#wire/postgres/write-watch.ts'
import type { ClientEnd } from './client-end.ts'
import type { Doubt } from './doubt.ts'
import type { EngineEnd } from './engine-end.ts'

/** Passes everything on as it is. */
export function splice(client: ClientEnd, engine: EngineEnd): void {
  for (const piece of client.release()) engine.socket.write(piece)
  client.socket.pipe(engine.socket)
  engine.socket.pipe(client.socket)
}

export interface GuardEvents {
  /** The engine has told the client what a request to cancel must name. */
  onKey(pid: number, secret: Buffer): void
  /** The engine confesses that a commit was not waited for, or cannot be proved to have been. */
  onUnsafe(): void
  /** Whether all that was committed by now would survive a failover. Undefined: nobody can be asked. */
  assure(): Promise<boolean> | undefined
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
 * standby; the success that the engine announces right after it never gets through. Where there is doubt that it would have
 * warned, success waits until the standby has everything. Between a transaction that wrote and the client's next the
 * session may be held: the client has no answer yet, and what it says already waits.
 */
export function guard(client: ClientEnd, engine: EngineEnd, doubt: Doubt, events: GuardEvents): void {
  const writes = new WriteWatch()
  let hasWritten = false
  let isHeld = false
  const watch = new BackendWatch('CEHKNZ', (type, body) => {
    if (type === 'H') writes.copyingOut()
    if (type === 'C') {
      writes.completed(body)
      doubt.completed(body.toString('latin1'))
    }
    if (type === 'E') doubt.failed()
    if (type === 'Z') {
      hasWritten = writes.ready(body) || hasWritten
      doubt.ready(body.toString('latin1'))
    }
    if (type === 'K') events.onKey(body.readUInt32BE(0), body.subarray(4))
    return !(type === 'N' && noticeFields(body).get('R') === SYNC_WAIT_ROUTINE)
  })
  for (const piece of client.release()) engine.socket.write(piece)
  client.socket.pipe(engine.socket)
  const resume = (): void => void (isHeld || engine.socket.resume())
  const isOver = (): boolean => client.socket.destroyed || engine.socket.destroyed
  const wait = (): void => {
    isHeld = true
    client.socket.unpipe(engine.socket)
    engine.socket.pause()
  }
  const goOn = (words: readonly Buffer[]): void => {
    isHeld = false
    if (isOver()) return
    client.socket.pipe(engine.socket)
    if (words.map((word) => client.socket.write(word)).every(Boolean)) engine.socket.resume()
  }
  const refuse = (): void => {
    engine.abort()
    client.endWith(UNKNOWN_OUTCOME)
    events.onUnsafe()
  }
  const pass = (words: readonly Buffer[]): void => {
    if (hasWritten && events.hold(() => goOn(words))) return wait()
    if (isHeld) return goOn(words)
    if (!words.map((word) => client.socket.write(word)).every(Boolean)) engine.socket.pause()
  }
  client.socket.on('drain', resume)
  engine.socket.on('data', (piece: Buffer) => {
    hasWritten = false
    const words = watch.push(piece)
    const isDoubtful = doubt.isRaised()
    if (watch.stopped) {
      if (!isDoubtful) for (const word of words) client.socket.write(word)
      refuse()
      return
    }
    const assured = isDoubtful ? events.assure() : undefined
    if (!assured) return pass(words)
    wait()
    void assured.then((isGiven) => {
      if (!isOver()) return isGiven ? pass(words) : refuse()
    })
  })
  engine.socket.on('end', () => client.socket.end())
}

export const cancelKey = (pid: number, secret: Buffer): string => `${pid}/${secret.toString('hex')}`
