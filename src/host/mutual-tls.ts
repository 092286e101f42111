/** TLS between processes of Holdfast: both sides show a certificate of its authority, and are who that says. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createSecureContext, createServer, type SecureContext, type TLSSocket } from 'node:tls'
import { KEEP_ALIVE_MS } from './limits.ts'
import { SHORTCUT_PROTOCOL, openShortcut, takeShortcut, type OpenShortcut } from './shortcut.ts'
import type { TcpAddress } from './tcp.ts'

export type { SecureContext as PeerContext } from 'node:tls'

/** PEM texts: what one shows, and the authority by which others are known. */
export interface PeerCertificate {
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly caPem: string
}

const options = ({ certificatePem, privateKeyPem, caPem }: PeerCertificate) =>
  ({ cert: certificatePem, key: privateKeyPem, ca: caPem, minVersion: 'TLSv1.3' }) as const

/** For dialling. Throws when the texts are none, or do not belong together. */
export const peerContext = (certificate: PeerCertificate): SecureContext => createSecureContext(options(certificate))

export interface TlsDoor {
  readonly address: TcpAddress
  readonly certificate: PeerCertificate
  /** For a caller to do its part of the handshake. */
  readonly patienceMs: number
  /** Where callers on this machine go on without ciphers: a Unix socket in a folder that is this account's alone. Absent: nowhere. */
  readonly shortcut?: string | undefined
  /**
   * A caller whom the authority knows, with all names of its certificate. Whoever takes the socket destroys it. One that
   * takes the shortcut comes twice, and says nothing the first time.
   */
  readonly onCaller: (socket: Socket, names: ReadonlySet<string>) => void
  /** A caller who came to nothing; or that there is no shortcut, and why. */
  readonly onRefused: (error: Error) => void
}

export interface OpenDoor {
  readonly port: number
  /** For those who come from now on. Throws as {@link peerContext} does, and then nothing has changed. */
  renew(certificate: PeerCertificate): void
  /** Frees the port. Connections that were given away go on. */
  close(): void
}

/** Resolves once it listens. */
export async function listenMutualTls(door: TlsDoor): Promise<OpenDoor> {
  const shortcut = await shortcutOf(door)
  const server = createServer({
    ...options(door.certificate),
    ...(shortcut && { ALPNProtocols: [SHORTCUT_PROTOCOL] }),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: door.patienceMs,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  })
  server.on('tlsClientError', (error, secure) => {
    secure.destroy()
    door.onRefused(error)
  })
  server.on('secureConnection', (secure) => {
    const names = namesOf(secure)
    if (secure.alpnProtocol === SHORTCUT_PROTOCOL) shortcut?.offer(secure, names)
    door.onCaller(secure, names)
  })
  server.listen(door.address)
  try {
    await once(server, 'listening')
  } catch (error) {
    shortcut?.close()
    throw error
  }
  server.on('error', door.onRefused)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : door.address.port,
    renew: (certificate) => server.setSecureContext(options(certificate)),
    close() {
      server.close()
      shortcut?.close()
    },
  }
}

/** Everything works without it, only slower. */
async function shortcutOf({ shortcut, patienceMs, onCaller, onRefused }: TlsDoor): Promise<OpenShortcut | undefined> {
  if (shortcut === undefined) return undefined
  try {
    return await openShortcut({ path: shortcut, patienceMs, onCaller })
  } catch (error) {
    onRefused(new Error('there is no shortcut', { cause: error }))
    return undefined
  }
}

export interface TlsCall {
  readonly address: TcpAddress
  readonly context: SecureContext
  /** Who shall be there, by the certificate. */
  readonly name: string
  readonly patienceMs: number
}

/** A connection to whom the authority calls `name`, by the shortcut where there is one; rejects for anybody else. The caller destroys it. */
export async function dialMutualTls({ address, context, name, patienceMs }: TlsCall): Promise<Socket> {
  const ALPNProtocols = [SHORTCUT_PROTOCOL]
  const secure = connect({
    ...address,
    secureContext: context,
    servername: name,
    rejectUnauthorized: true,
    ALPNProtocols,
  })
  secure.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
  const closed = new AbortController()
  const onClose = (): void => closed.abort(new Error('hung up during the handshake'))
  secure.once('close', onClose)
  const patience = setTimeout(() => secure.destroy(new Error(`no TLS in ${patienceMs} ms`)), patienceMs)
  try {
    await once(secure, 'secureConnect', { signal: closed.signal })
    const near = secure.alpnProtocol === SHORTCUT_PROTOCOL ? await takeShortcut(secure, closed.signal) : undefined
    if (!near) return secure
    secure.destroy()
    return near
  } catch (error) {
    secure.on('error', () => {}).destroy()
    throw error
  } finally {
    clearTimeout(patience)
    secure.off('close', onClose)
  }
}

/** Only those that can be told apart by their text: one in quotes holds characters that no name of ours has. */
function namesOf(secure: TLSSocket): ReadonlySet<string> {
  const listed = secure.getPeerX509Certificate()?.subjectAltName?.split(', ') ?? []
  return new Set(listed.flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : [])))
}
