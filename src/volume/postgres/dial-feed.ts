import { once } from 'node:events'
import type { Duplex } from '#host/far-socket.ts'
import type { Socket } from '#host/net.ts'
import { dialTcp, type TcpAddress } from '#host/tcp.ts'
import { offerTlsToKnown } from '#host/tls.ts'
import { SSL_REQUEST_PACKET } from '#wire/postgres/opening.ts'
import { FEED_DIAL_MS_MAX, TLS_MS_MAX } from './limits.ts'

/**
 * A connection to a feed that has a certificate of this authority. `away`: what is between here and there, where that takes
 * time. Rejects when that cannot be had.
 */
export async function dialFeed(
  address: TcpAddress,
  { caPem, away, onBytes }: { caPem: string; away: (socket: Socket) => Duplex; onBytes: (bytes: Buffer) => void },
): Promise<Socket> {
  const connection = await dialTcp(address, FEED_DIAL_MS_MAX)
  const socket = away(connection)
  const closed = new AbortController()
  const onClose = (): void => closed.abort(new Error('the feed hung up'))
  try {
    connection.on('error', () => {})
    socket.on('error', () => {}).once('close', onClose)
    socket.write(SSL_REQUEST_PACKET)
    connection.setTimeout(FEED_DIAL_MS_MAX, () => connection.destroy(new Error('the feed does not answer')))
    const [answer] = (await once(socket, 'data', { signal: closed.signal })) as [Buffer]
    connection.setTimeout(0)
    socket.pause()
    if (answer.toString('latin1') !== 'S') throw new Error('the feed speaks no TLS')
    const secure = await offerTlsToKnown(socket, caPem, TLS_MS_MAX)
    secure.on('data', onBytes)
    secure.once('close', () => connection.destroy())
    return secure
  } catch (error) {
    connection.destroy()
    throw error
  } finally {
    socket.off('close', onClose)
  }
}
