/** TLS over connections that are there already, for gateways that stand between a client and an engine. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket, connect, createSecureContext, type SecureContext } from 'node:tls'

/** The name of PostgreSQL's protocol inside TLS. Source: PostgreSQL 18 manual, 54.2.11. */
const PROTOCOL = 'postgresql'

/** A certificate with its key, ready for use. */
export interface TlsIdentity {
  readonly context: SecureContext
  /** The certificate itself, in DER. */
  readonly certificate: Buffer
}

/** PEM texts. Throws when they are none, or do not belong together. */
export function tlsIdentity(certificatePem: string, privateKeyPem: string, caPem: string): TlsIdentity {
  return {
    context: createSecureContext({
      cert: `${certificatePem.trimEnd()}\n${caPem}`,
      key: privateKeyPem,
      minVersion: 'TLSv1.2',
    }),
    certificate: new X509Certificate(certificatePem).raw,
  }
}

/**
 * Speaks TLS as the server; what the socket has not given out yet is the client's beginning. Rejects when the client
 * does not do its part within `patienceMs`. The caller destroys both sockets.
 */
export async function acceptTls(
  socket: Socket,
  { context }: TlsIdentity,
  how: { readonly patienceMs: number; readonly requireProtocol: boolean },
): Promise<Socket> {
  const secure = new TLSSocket(socket, { isServer: true, secureContext: context, ALPNProtocols: [PROTOCOL] })
  await ready(secure, 'secure', how.patienceMs)
  // Without it, a browser that was sent here could be made to say what an engine understands.
  if (how.requireProtocol && secure.alpnProtocol !== PROTOCOL) {
    secure.destroy()
    throw new Error('TLS was begun without naming the protocol')
  }
  return secure
}

/** Speaks TLS as the client of whoever has this very certificate; rejects for anybody else. */
export async function offerTls(socket: Socket, certificate: Buffer, patienceMs: number): Promise<Socket> {
  // Not by name and authority: what counts is that both ends of a client's path show the same certificate.
  const secure = connect({ socket, rejectUnauthorized: false, minVersion: 'TLSv1.2', ALPNProtocols: [PROTOCOL] })
  await ready(secure, 'secureConnect', patienceMs)
  if (!secure.getPeerX509Certificate()?.raw.equals(certificate)) {
    secure.destroy()
    throw new Error("the engine does not have the endpoint's certificate")
  }
  return secure
}

/** Speaks TLS as the client of anybody who has a certificate of this authority; rejects for others. The caller destroys both. */
export async function offerTlsToKnown(socket: Duplex, caPem: string, patienceMs: number): Promise<Socket> {
  // As `sslmode=verify-ca` does: the certificate's name is not one of the network.
  const secure = connect({ socket, ca: caPem, checkServerIdentity: () => undefined, minVersion: 'TLSv1.2' })
  await ready(secure, 'secureConnect', patienceMs)
  return secure
}

async function ready(secure: TLSSocket, event: 'secure' | 'secureConnect', patienceMs: number): Promise<void> {
  const patience = setTimeout(() => secure.destroy(new Error(`no TLS in ${patienceMs} ms`)), patienceMs)
  const closed = new AbortController()
  const onClose = (): void => closed.abort()
  secure.once('close', onClose)
  try {
    await once(secure, event, { signal: closed.signal })
  } finally {
    clearTimeout(patience)
    secure.off('close', onClose)
  }
}
