/** A host's log node as its agent sees it: started, dialled, ended. */
import { join } from 'node:path'
import { connectLogNode, type ConnectedLogNode } from '#agent/log-node.ts'
import type { Log } from '#base/log.ts'
import { systemClock } from '#host/clock.ts'
import { exists, makeFolder, readText } from '#host/disk.ts'
import { dial, socketFolder } from '#host/net.ts'
import { isAlive, signal, spawnDetached, whenGone, type ProcessIdentity, type RunningProcess } from '#host/process.ts'
import { MAIN_FILE } from './main-file.ts'
import { roomyLog } from './roomy-log.ts'
import { LOGNODE_SHORTCUT, LOGNODE_SOCKET, type StateFolder } from './state-folder.ts'

/**
 * Each sync of a member waits for the disk in one of Node's I/O threads. With the four that Node makes, what members of a
 * second volume ask for would wait for those of the first. Read when a process begins, so that none can set it for itself.
 */
const IO_THREADS = '16'

interface HostLogNodeOptions {
  readonly folder: StateFolder
  readonly az: string
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>
  readonly log: Log
}

export const lognodeSocket = (folder: StateFolder, az: string): Promise<string> => socketIn(folder, az, LOGNODE_SOCKET)

export const lognodeShortcut = (folder: StateFolder, az: string): Promise<string> =>
  socketIn(folder, az, LOGNODE_SHORTCUT)

const socketIn = async (folder: StateFolder, az: string, name: string): Promise<string> =>
  join(await socketFolder(folder.lognode(az).root, name), name)

/** Keeps the host's log node running if there has been one, and otherwise once it is asked for something. */
export async function openHostLogNode({ folder, az, env, log }: HostLogNodeOptions): Promise<ConnectedLogNode> {
  const paths = folder.lognode(az)
  const running = new Set<RunningProcess>()
  const node = connectLogNode({
    dial: async () => dial({ path: await lognodeSocket(folder, az) }),
    async launch() {
      await makeFolder(paths.root, { mode: 0o700 })
      const outputPath = await roomyLog(join(paths.root, 'lognode.log'))
      const args = [MAIN_FILE, 'lognode', '--state', folder.root, '--az', az]
      const own = { UV_THREADPOOL_SIZE: IO_THREADS, ...env }
      const started = await spawnDetached(process.execPath, args, { env: own, outputPath })
      running.add(started)
      void started.exited.then(() => running.delete(started))
      log.info({ pid: started.pid }, 'started the log node')
    },
    async kill() {
      const identity = await recordedLogNode(folder, az)
      if (!identity || !isAlive(identity)) return
      signal(identity, 'SIGKILL')
      await whenGone(identity)
    },
    clock: systemClock,
    log,
  })
  if (await exists(paths.table)) node.rouse()
  return {
    ...node,
    get busy() {
      return node.busy
    },
    async shutDown() {
      // One that ends in order takes its name away first, and then has yet to end.
      const before = await recordedLogNode(folder, az)
      await node.shutDown()
      // One that an earlier agent left, or that has only just been started, may not have been dialled yet.
      for (const identity of [...running, before, await recordedLogNode(folder, az)]) {
        if (!identity || !isAlive(identity)) continue
        signal(identity, 'SIGTERM')
        await whenGone(identity)
      }
    },
  }
}

/** The one that should run. It need not be alive: one that ended in order has taken its name away. */
async function recordedLogNode(folder: StateFolder, az: string): Promise<ProcessIdentity | undefined> {
  const text = await readText(folder.lognode(az).identity)
  return text === undefined ? undefined : (JSON.parse(text) as ProcessIdentity)
}
