/** Real engines on a volume whose log is in memory: a head that takes everything, and feeds that readers stream from. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'
import { scramVerifier } from '#trust/scram.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { SEED_LOG } from '#wire/agent/volume.ts'
import type { SeedFacts, VolumeAttachment } from '#wire/agent/volume.ts'
import { statusUpdate } from '#wire/pg/replication-messages.ts'
import { HEAD } from '../../src/engine/postgres/attachment.ts'
import { readLockFile } from '../../src/engine/postgres/lock-file.ts'
import { PEER, peerPassword } from '../../src/engine/postgres/peer.ts'
import { HeldLog } from './held-log.ts'
import { never } from './postgres-bench.ts'
import type { PostgresBench, TestInstance } from './postgres-bench.ts'
import { openFeed, type TestFeed } from './volume-feed.ts'
import { WalReader } from './wal-reader.ts'

const VOLUME = 'cluster-1'
const PASSWORD = 'of:the\\volume'

export interface TestVolume {
  readonly image: string
  readonly seed: SeedFacts
  readonly log: HeldLog
  /** Of a log that is there already: by default the volume's own. */
  feed(log?: HeldLog): Promise<TestFeed>
  /** Gives nothing to its spec but what is asked for. The engine streams from these feeds. */
  attachment(name: string, feeds: readonly number[], more?: Partial<VolumeAttachment>): VolumeAttachment
}

/** A volume from a new seed image, with the master user of the bench and the database `shop`, or what `fill` makes. */
export async function openVolume(
  bench: PostgresBench,
  version: string,
  { name = 'seed', fill }: { readonly name?: string; readonly fill?: (folder: string) => Promise<void> } = {},
): Promise<TestVolume> {
  const image = join(bench.root, 'snapshots', name)
  const order = { version, master: bench.master, databaseName: 'shop', ...(fill && { fill }) }
  const facts = await bench.driver.onVolume.seed(image, order, never)
  const seed = facts.seed!
  const log = new HeldLog(seed.start, { epoch: seed.epoch, systemId: seed.systemId })
  log.append(readFileSync(join(image, SEED_LOG)))
  const verifier = await scramVerifier(PASSWORD, { salt: systemRandom.bytes(16) })
  return {
    image,
    seed,
    log,
    feed: (source = log) =>
      openFeed(bench, source, { admit: (user) => (user === VOLUME ? { verifier, source } : undefined) }),
    attachment: (name, feeds, more = {}) => ({
      id: VOLUME,
      role: 'reader',
      name,
      identifier: `shop-${name}`,
      feeds: feeds.map((port) => ({ host: '127.0.0.1', port })),
      login: { password: PASSWORD, caPem: bench.caPem },
      isOpen: false,
      ...more,
    }),
  }
}

/** A new engine over a copy of the image. */
export async function attach(
  bench: PostgresBench,
  { image }: Pick<TestVolume, 'image'>,
  spec: Partial<InstanceSpec> & Pick<InstanceSpec, 'volume' | 'version'>,
): Promise<TestInstance> {
  const whole = await bench.spec(spec)
  const folder = join(bench.root, 'instances', whole.id)
  mkdirSync(folder, { mode: 0o711, recursive: true })
  await bench.driver.onVolume.attach(folder, whole, image, never)
  return start(bench, { folder, spec: whole })
}

/** Starts what lies in the folder, as after a death. */
export async function start(
  bench: PostgresBench,
  { folder, spec }: Pick<TestInstance, 'folder' | 'spec'>,
): Promise<TestInstance> {
  await bench.driver.configure(folder, spec)
  const engine = bench.started(await bench.driver.start(folder, spec, never))
  return { folder, spec, engine }
}

/** The running engine has this attachment from now on. */
export async function reattach(
  { driver }: PostgresBench,
  instance: TestInstance,
  change: Partial<VolumeAttachment>,
): Promise<TestInstance> {
  const spec = { ...instance.spec, volume: { ...instance.spec.volume!, ...change } }
  await driver.configure(instance.folder, spec)
  await driver.reload(instance.folder, spec)
  return { ...instance, spec }
}

export interface TestHead {
  close(): Promise<void>
}

/** Takes what the writer of the epoch writes into the log, and acknowledges it at once. */
export async function headOf(
  bench: PostgresBench,
  { folder }: Pick<TestInstance, 'folder'>,
  log: HeldLog,
  { epoch, start: from }: { readonly epoch: number; readonly start: number },
): Promise<TestHead> {
  const { socket } = (await readLockFile(folder))!
  const password = peerPassword(bench.surroundings)
  const login = { host: socket!.folder, port: socket!.port, user: PEER, password, application_name: HEAD }
  const reader = await WalReader.open({ ...login, ssl: false })
  if (log.history().at(-1)!.epoch !== epoch) log.adopt(epoch, from)
  const acknowledge = (): void =>
    reader.say(statusUpdate({ writtenTo: BigInt(log.end), flushedTo: BigInt(log.end), now: systemClock.now() }))
  reader.onData = (data) => {
    log.append(data)
    acknowledge()
  }
  const { started, ended } = reader.start(log.end, epoch)
  ended.catch(() => {})
  await started
  const alive = setInterval(acknowledge, 1_000)
  return {
    async close() {
      clearInterval(alive)
      await reader.close()
    },
  }
}
