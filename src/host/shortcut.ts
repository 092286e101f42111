/**
 * A shortcut beside a door for TLS: who has shown there who it is, and is on the same machine, goes on over a Unix socket,
 * without the cost of ciphers. Who may come in is decided by certificates all the same: a token, given over TLS and good
 * once, stands for them. Which machine somebody is on is not configured: whoever cannot reach the socket stays with TLS.
 *
 *   caller                                   door
 *     TLS, ALPN `holdfast-shortcut` ───────►
 *     ◄────────────── token · space · path · newline, over TLS
 *     token ───────────────────────────────►  the Unix socket
 *     ◄──────────────────────────── one byte
 *     hangs up the TLS connection
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { SHORTCUT_OFFER_BYTES_MAX } from './limits.ts'
import { dial, listen } from './net.ts'

/** By which a caller says in its TLS handshake that it can take one. */
export const SHORTCUT_PROTOCOL = 'holdfast-shortcut'

const TOKEN_CHARS = 64
const ACCEPTED = Buffer.of(1)

export interface ShortcutOptions {
  /** In a folder that nobody but this account can enter. */
  readonly path: string
  /** For a caller to say its token. */
  readonly patienceMs: number
  /** One whom the door knows by these names. Whoever takes the socket destroys it. */
  readonly onCaller: (socket: Socket, names: ReadonlySet<string>) => void
}

export interface OpenShortcut {
  /** Tells a caller of the door, who has these names, and can take it. Good as long as that connection lasts. */
  offer(secure: TLSSocket, names: ReadonlySet<string>): void
  /** Connections that were given away go on. */
  close(): void
}

/** Resolves once it listens. */
export async function openShortcut({ path, patienceMs, onCaller }: ShortcutOptions): Promise<OpenShortcut> {
  const offered = new Map<string, ReadonlySet<string>>()
  const arriving = new Set<Socket>()
  const server = await listen({ path }, (socket) => {
    arriving.add(socket)
    const patience = setTimeout(() => socket.destroy(), patienceMs)
    const onError = (): void => void socket.destroy()
    const onClose = (): void => {
      clearTimeout(patience)
      arriving.delete(socket)
    }
    let said = ''
    const onData = (piece: Buffer): void => {
      said += piece.toString('latin1')
      if (said.length < TOKEN_CHARS) return
      const names = offered.get(said)
      // Nobody says more before it is let in.
      if (!names) return void socket.destroy()
      offered.delete(said)
      socket.off('data', onData).off('error', onError).off('close', onClose)
      onClose()
      socket.write(ACCEPTED)
      onCaller(socket, names)
    }
    socket.on('data', onData).on('error', onError).on('close', onClose)
  })
  return {
    offer(secure, names) {
      const token = randomBytes(TOKEN_CHARS / 2).toString('hex')
      offered.set(token, names)
      secure.once('close', () => offered.delete(token))
      secure.write(`${token} ${path}\n`)
    },
    close() {
      server.close()
      for (const socket of arriving) socket.destroy()
    },
  }
}

/** The other end, of a door that offers one: undefined where it cannot be taken, and then the TLS connection is as it was. */
export async function takeShortcut(secure: TLSSocket, signal: AbortSignal): Promise<Socket | undefined> {
  const [token, path] = await offerOf(secure, signal)
  let socket: Socket | undefined
  try {
    socket = await dial({ path })
    socket.write(token)
    await once(socket, 'data', { signal })
    return socket
  } catch {
    socket?.on('error', () => {}).destroy()
    signal.throwIfAborted()
    return undefined
  }
}

/** Nothing follows it: the door says no more before it is spoken to. */
async function offerOf(secure: TLSSocket, signal: AbortSignal): Promise<[token: string, path: string]> {
  let said = ''
  while (!said.endsWith('\n')) {
    const [piece] = (await once(secure, 'data', { signal })) as [Buffer]
    said += piece.toString('utf8')
    if (said.length > SHORTCUT_OFFER_BYTES_MAX) throw new Error('a door offers what is no shortcut')
  }
  return [said.slice(0, TOKEN_CHARS), said.slice(TOKEN_CHARS + 1, -1)]
}
