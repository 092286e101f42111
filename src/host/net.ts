/** Sockets on this machine: listening, connecting, and where a Unix socket can live. */
import { createHash } from 'node:crypto'
import { chmod, lstat, rm } from 'node:fs/promises'
import { Socket, connect, createServer } from 'node:net'
import type { Server, SocketConstructorOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Account } from './account.ts'
import { codeOf, makeFolder } from './disk.ts'
import { SOCKET_PATH_BYTES_MAX } from './limits.ts'

export type { Server, Socket } from 'node:net'

/** Where to listen or connect: a Unix socket's path, or an address and port. */
export type Address = { readonly path: string } | { readonly host: string; readonly port: number }

/**
 * Listens. A Unix socket that a dead process left behind is replaced; one that somebody answers on is `EADDRINUSE`.
 * The caller closes the server and destroys its sockets.
 */
export async function listen(address: Address, onConnection: (socket: Socket) => void): Promise<Server> {
  if ('path' in address) await removeStaleSocket(address.path)
  const server = createServer(onConnection)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => {
      server.off('error', reject)
      resolve()
    })
  })
  if ('path' in address) await chmod(address.path, 0o600)
  return server
}

/** Resolves with a connected socket, which the caller destroys. */
export function dial(address: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(address)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/**
 * The same, for much that arrives: it is read into one buffer of so many bytes again and again. `onBytes` gets a view of
 * it, good during the call.
 */
export function dialReading(address: Address, bufferBytes: number, onBytes: (bytes: Buffer) => void): Promise<Socket> {
  const buffer = Buffer.allocUnsafeSlow(bufferBytes)
  const socket = new Socket({
    onread: {
      buffer,
      callback(count) {
        onBytes(buffer.subarray(0, count))
        return true
      },
    },
  } as SocketConstructorOpts)
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.connect(address, () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** Whether a server could listen there now. Says nothing about a moment later. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  try {
    const server = await listen({ host, port }, (socket) => socket.destroy())
    await new Promise((resolve) => server.close(resolve))
    return true
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE' || codeOf(error) === 'EACCES') return false
    throw error
  }
}

/**
 * A folder that only `account` (or we) can enter, in which a socket named `fileName` fits into a socket address:
 * `wanted` if that is short enough, else one under the system's temporary folder, always the same for the same
 * `wanted`. May run any number of times, on the listening and on the connecting side.
 */
export async function socketFolder(wanted: string, fileName: string, account?: Account): Promise<string> {
  if (Buffer.byteLength(join(wanted, fileName)) <= SOCKET_PATH_BYTES_MAX) {
    await makeFolder(wanted, { mode: 0o700, account })
    return wanted
  }
  const hash = createHash('sha256').update(wanted).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), `holdfast-${hash}`)
  await refuseForeign(folder, account)
  await makeFolder(folder, { mode: 0o700, account })
  await refuseForeign(folder, account)
  return folder
}

/** Anybody may make a folder in the temporary folder; one that is not ours could be a trap. */
async function refuseForeign(folder: string, account: Account | undefined): Promise<void> {
  const stat = await lstat(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (!stat) return
  const owners = [process.getuid?.(), account?.uid]
  if (!stat.isDirectory() || !owners.includes(stat.uid)) {
    throw new Error(`${folder} belongs to somebody else: remove it, or use a state folder with a shorter path`)
  }
}

async function removeStaleSocket(path: string): Promise<void> {
  try {
    const socket = await dial({ path })
    socket.destroy()
  } catch (error) {
    if (codeOf(error) === 'ECONNREFUSED') await rm(path, { force: true })
  }
}
