/**
 * `postmaster.pid`: which process serves a data folder, where its socket is, and how far its start has come. The socket
 * has a lock file of its own beside it.
 */
// PostgreSQL source: src/include/utils/pidfile.h. One fact a line; later lines are added as the start goes on.
import { join } from 'node:path'
import { readText, removeTree, writeFileDurably } from '#host/disk.ts'
import { dataOf, socketNameOf, socketsOf } from './layout.ts'
import type { Surroundings } from './surroundings.ts'

export interface LockFile {
  readonly pid: number
  /** Undefined until the engine has opened its socket. */
  readonly socket: { readonly folder: string; readonly port: number } | undefined
  readonly isReady: boolean
}

export async function readLockFile(folder: string): Promise<LockFile | undefined> {
  const text = await readText(lockPath(folder))
  return text === undefined ? undefined : parseLockFile(text)
}

/** Undefined for a file that has been opened and not yet written. */
export function parseLockFile(text: string): LockFile | undefined {
  const [pid = '', , , port = '', socketFolder = '', , , status = ''] = text.split('\n')
  // A negative one is of a server without a postmaster, which nobody here starts.
  if (!/^\d+$/.test(pid)) return undefined
  return {
    pid: Number(pid),
    socket: socketFolder === '' ? undefined : { folder: socketFolder, port: Number(port) },
    isReady: status.startsWith('ready'),
  }
}

/**
 * The pid in the files that a killed engine left may be somebody else's by now, and the engine then refuses to start, as
 * it does when `postmaster.pid` is empty. Our own pid makes that one stale to the engine, which is started by us; the
 * rest of it stays, for by it the engine finds out whether processes of the dead one still use its memory.
 */
export async function disownLockFiles(folder: string, port: number, { account }: Surroundings): Promise<void> {
  const sockets = await socketsOf(folder, port, account)
  await removeTree(join(sockets, `${socketNameOf(port)}.lock`))
  const text = await readText(lockPath(folder))
  if (text === undefined) return
  const lines = text.split('\n')
  lines[0] = String(process.pid)
  await writeFileDurably(lockPath(folder), lines.join('\n'), { mode: 0o600, account })
}

function lockPath(folder: string): string {
  return join(dataOf(folder), 'postmaster.pid')
}
