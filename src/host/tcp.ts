/** TCP connections of clients and to engines, as gateways need them: each direction ends by itself, and nothing lingers. */
import { once } from 'node:events'
import { BlockList, connect, createServer, isIP } from 'node:net'
import type { Server, Socket } from 'node:net'
import { KEEP_ALIVE_MS } from './limits.ts'

export interface TcpAddress {
  readonly host: string
  readonly port: number
}

const MANNERS = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS } as const

/** Resolves once it listens. The caller closes the server, and destroys its sockets. */
export function listenTcp(address: TcpAddress, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer(MANNERS, onConnection)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...address, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

/** A connected socket, which the caller destroys. Rejects when that takes longer than `patienceMs`, or on abort. */
export async function dialTcp(address: TcpAddress, patienceMs: number, signal?: AbortSignal): Promise<Socket> {
  signal?.throwIfAborted()
  const socket = connect({ ...address, ...MANNERS })
  const onAbort = (): void => void socket.destroy(signal?.reason as Error)
  signal?.addEventListener('abort', onAbort, { once: true })
  const patience = setTimeout(() => socket.destroy(new Error(`no answer in ${patienceMs} ms`)), patienceMs)
  try {
    await once(socket, 'connect')
    return socket
  } finally {
    clearTimeout(patience)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** The kernel's own limit is what counts; Node's default of 511 is below it. */
const BACKLOG = 4_096

/** Whether an address is in one of the blocks, `10.0.0.0/8` or `fd00::/8`. An IPv4 address in IPv6's clothes is one of IPv4. */
export function sourceFilter(blocks: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const block of blocks) {
    const [network = '', bits = ''] = block.split('/')
    list.addSubnet(network, Number(bits), isIP(network) === 6 ? 'ipv6' : 'ipv4')
  }
  return (address = '') => {
    const family = isIP(address)
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}
