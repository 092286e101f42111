/** The role `lognode`: a host's members of quorum logs. Started by its agent, detached: `lognode --state DIR --az a`. */
import { parseArgs } from 'node:util'
import { systemClock } from '#host/clock.ts'
import { exists, makeFolder, removeTree, writeFileDurably } from '#host/disk.ts'
import { FolderLogDisk } from '#host/log-disk.ts'
import { startTimeOf, type ProcessIdentity } from '#host/process.ts'
import { systemRandom } from '#host/random.ts'
import type { Store } from '#store/store.ts'
import { openLog } from '#telemetry/log.ts'
import { openLogNodeControl } from '#volume/log-node-control.ts'
import { LogNode, type LogNodeTable } from '#volume/log-node.ts'
import { lognodeShortcut, lognodeSocket } from './lognode-process.ts'
import { openUnlessTaken } from './open-unless-taken.ts'
import { stateFolder } from './state-folder.ts'
import { VERSION } from './version.ts'

/**
 * Keeps logs until it is told to end, or has had no members for a while. Ends at once when another process has the lock
 * on the table's file: there is never more than one of a host.
 */
export async function runLogNode(argv: readonly string[]): Promise<void> {
  const { state, az } = parseArgs({
    args: [...argv],
    options: { state: { type: 'string' }, az: { type: 'string' } },
  }).values
  if (state === undefined || az === undefined) throw new TypeError('lognode: --state and --az are needed')
  // A log that cannot be written, as on a full disk, is no reason to leave members alone.
  process.stderr.on('error', () => {})
  const level = process.env['HOLDFAST_LOG'] === 'debug' ? 'debug' : 'info'
  const log = openLog({ level, clock: systemClock, destination: process.stderr, fields: { role: 'lognode', az } })
  const folder = stateFolder(state)
  const paths = folder.lognode(az)
  await makeFolder(paths.root, { mode: 0o700 })
  const store = openUnlessTaken(paths.table)
  if (!store) {
    log.info({}, 'another process is the log node of this host')
    process.exit(0)
  }
  // Ctrl-C and a closed terminal are for serve, which then says what to do.
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
  const terminated = new Promise<'terminated'>((resolve) => process.once('SIGTERM', () => resolve('terminated')))
  const identity: ProcessIdentity = { pid: process.pid, startedAt: startTimeOf(process.pid) ?? '' }
  await writeFileDurably(paths.identity, JSON.stringify(identity), { mode: 0o600 })
  if (await exists(folder.stopping)) {
    log.info({}, 'everything here is being stopped')
    await removeTree(paths.identity)
    process.exit(0)
  }
  const node = await LogNode.open({
    table: logNodeTable(store),
    folder: paths.members,
    openDisk: (path) => new FolderLogDisk(path),
    shortcut: await lognodeShortcut(folder, az),
    clock: systemClock,
    random: systemRandom,
    log,
    ends(reason) {
      log.error({ reason }, 'the log node ends')
      process.exit(1)
    },
  })
  const socketPath = await lognodeSocket(folder, az)
  const control = await openLogNodeControl({ node, socketPath, version: VERSION, clock: systemClock, log })
  log.info({ pid: process.pid, version: VERSION, members: node.size }, 'the log node is up')
  const why = await Promise.race([control.ended, terminated])
  log.info({ why }, 'the log node ends')
  await removeTree(paths.identity)
  // Whatever was acknowledged is on the disk: there is nothing to wait for.
  node.end()
  control.close()
  process.exit(0)
}

function logNodeTable(store: Store): LogNodeTable {
  return {
    async all() {
      const { entries } = await store.range('')
      return new Map(entries.map(({ key, value }) => [key, JSON.parse(value) as unknown]))
    },
    async put(key, value) {
      await store.commit([], [{ op: 'put', key, value: JSON.stringify(value) }])
    },
    async delete(key) {
      await store.commit([], [{ op: 'delete', key }])
    },
  }
}
