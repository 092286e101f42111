/** An engine driver whose engine is a real process that only sleeps: for tests of how processes and agents live and die. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '#engine/engine.ts'
import type { EngineDriver, EngineProcess } from '#engine/engine.ts'
import { systemClock } from '#host/clock.ts'
import { isAlive, processOf, signal, spawnDetached } from '#host/process.ts'
import type { ProcessIdentity } from '#host/process.ts'
import { copyTree } from '#host/tree.ts'

export function sleepingEngine(): EngineDriver {
  const pidFile = (folder: string): string => join(folder, 'engine.pid')

  const identityIn = async (folder: string): Promise<ProcessIdentity | undefined> => {
    if (!existsSync(pidFile(folder))) return undefined
    const identity = JSON.parse(await readFile(pidFile(folder), 'utf8')) as ProcessIdentity
    return isAlive(identity) ? identity : undefined
  }
  const adopt = async (folder: string): Promise<EngineProcess | undefined> => {
    const identity = await identityIn(folder)
    const found = identity && processOf(identity.pid)
    return found && { pid: found.pid, exited: found.exited.then(() => {}) }
  }

  return {
    name: 'postgres',
    onVolume: {
      async seed(imageFolder, { version }) {
        await mkdir(imageFolder)
        await writeFile(join(imageFolder, 'volume'), 'seed')
        return { sizeBytes: 4, engineVersion: version, seed: { systemId: '7', epoch: 1, start: 0, end: 160 } }
      },
      async image(imageFolder, { version, from }) {
        // What another agent left half-made is found out here.
        await mkdir(imageFolder)
        await copyTree(from, imageFolder)
        return { sizeBytes: 4, engineVersion: version, image: { systemId: '7', epoch: 1, from: 0 } }
      },
      async branch(folder, { from }) {
        await mkdir(folder)
        await copyTree(from, folder)
      },
      checkpoint: async () => 0,
      belongs: async () => true,
      attach: async (folder, _spec, imageFolder) => void (await copyTree(imageFolder, folder)),
      async endSessions() {},
      async awaitLog() {},
      async lead(folder, epoch) {
        await writeFile(join(folder, 'epoch'), String(epoch))
        return { start: 160, after: 1 }
      },
      headLogin: async (folder) => ({ socketFolder: folder, port: 1, user: 'u', password: 'p', name: 'n' }),
      async observe(folder) {
        if (!(await identityIn(folder))) return undefined
        const epoch = Number(await readFile(join(folder, 'epoch'), 'utf8').catch(() => '0'))
        const started = { start: 160, after: 1 }
        return epoch > 0
          ? { isWriter: true, epoch, isStreaming: false, started }
          : { isWriter: false, epoch: 1, isStreaming: true }
      },
      async openLog() {
        throw new Error('this engine has no log')
      },
      async tellReplicas() {},
    },
    installed: async () => ['17.10'],
    prepare: async () => ({ fetched: false }),
    async initialize(folder) {
      // An agent that does not clean up after its predecessor is found out here.
      await mkdir(folder)
      await writeFile(join(folder, 'volume'), 'fresh')
    },
    async restore(folder, _spec, snapshotFolder) {
      await copyTree(snapshotFolder, folder)
    },
    async seal() {},
    async configure(folder, spec) {
      await writeFile(join(folder, 'spec'), JSON.stringify(spec))
    },
    async start(folder, spec) {
      if (spec.settings['broken'] !== undefined) throw new EngineError('bad-settings', 'the engine refuses "broken"')
      if (await identityIn(folder)) throw new EngineError('port-busy', 'a second engine was started')
      // The name shows a test which engines run, also those that nobody looks after.
      const started = await spawnDetached('sleep', ['86400.5'], { env: { PATH: process.env['PATH']!, ENGINE: folder } })
      await writeFile(pidFile(folder), JSON.stringify({ pid: started.pid, startedAt: started.startedAt }))
      return { pid: started.pid, exited: started.exited.then(() => {}) }
    },
    adopt,
    answers: async () => true,
    probe: async (folder) => (await identityIn(folder)) !== undefined,
    async stop(engine, mode) {
      const found = processOf(engine.pid)
      if (found) signal(found, mode === 'immediate' ? 'SIGKILL' : 'SIGTERM')
      while (found && isAlive(found)) await systemClock.sleep(5)
    },
    async kill(engine) {
      const found = processOf(engine.pid)
      if (found) signal(found, 'SIGKILL')
      while (found && isAlive(found)) await systemClock.sleep(5)
    },
    async follow(folder, _spec, seedFolder) {
      await copyTree(seedFolder, folder)
    },
    promote: async () => 2,
    async admitFollowers() {},
    async awaitSynchronous() {},
    awaitSealed: () => Promise.reject(new Error('a sleeping engine follows nobody')),
    logWanted: () => Promise.reject(new Error('a sleeping engine follows nobody')),
    async giveLog() {},
    isDecodable: () => false,
    async tendConsumers() {},
    replication: async () => undefined,
    position: async () => ({
      role: 'primary',
      timeline: 1,
      flushedLsn: '0/1',
      replayedLsn: '0/1',
      lagSeconds: undefined,
    }),
    async bootstrap(folder, _spec, master) {
      await writeFile(join(folder, 'master'), master.name)
    },
    async setPassword(folder, _spec, master) {
      await writeFile(join(folder, 'master'), master.passwordVerifier)
    },
    reload: async () => [],
    pendingRestart: async () => [],
    async snapshot(folder, spec, snapshotFolder) {
      await copyTree(folder, snapshotFolder, { exclude: (path) => path === 'engine.pid' })
      return { sizeBytes: 1, engineVersion: spec.version }
    },
    isReadOnly: async () => false,
    async setReadOnly() {},
    endWriters: async () => 0,
    async reclaimLog() {},
    measure: async () => ({}),
    recover: () => Promise.reject(new Error('a sleeping engine has no base backups')),
    endRecovery: async () => {},
    openLog: () => Promise.reject(new Error('a sleeping engine writes no log')),
    logs: async () => [],
    readLog: async () => undefined,
  }
}

/** Pids of the sleeping engines under a state folder, adopted or orphaned. */
export async function enginesUnder(state: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found: number[] = []
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (environment.includes(`ENGINE=${state}/`)) found.push(Number(pid))
  }
  return found
}

/** Pids of the sleeping heads under a state folder, listened to or not. */
export async function headsUnder(state: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found: number[] = []
  for (const pid of pids) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    const isHead = words.some((word) => word.endsWith('sleeping-head.ts'))
    if (isHead && words.some((word) => word.startsWith(`${state}/`))) found.push(Number(pid))
  }
  return found
}
