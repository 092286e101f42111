/** A cluster volume with everything real: log nodes and heads as processes, PostgreSQL as writer and readers. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { writeFileDurably } from '#host/disk.ts'
import { dial, socketFolder, type Socket } from '#host/net.ts'
import { spawnDetached, type RunningProcess } from '#host/process.ts'
import { environmentOf } from '#role/process-environment.ts'
import { FrameDecoder, encodeFrame } from '#wire/agent/frames.ts'
import { SEED_LOG, type SeedFacts, type VolumeAttachment } from '#wire/agent/volume.ts'
import type { FromHead, HeadSpec, ToHead } from '#wire/head/messages.ts'
import { headName } from '#wire/quorum/identity.ts'
import type { Epoch } from '#wire/quorum/messages.ts'
import { HEAD } from '../../src/engine/postgres/attachment.ts'
import { readLockFile } from '../../src/engine/postgres/lock-file.ts'
import { PEER, peerPassword } from '../../src/engine/postgres/peer.ts'
import { eventually } from './eventually.ts'
import { HostLogNodes, READER_PASSWORD, VOLUME } from './host-log-nodes.ts'
import { never, type PostgresBench, type TestInstance } from './postgres-bench.ts'
import { program } from './program.ts'
import { attach, reattach } from './volume-instances.ts'

export class LiveVolume {
  readonly bench: PostgresBench
  readonly nodes: HostLogNodes
  readonly image: string
  readonly seed: SeedFacts
  private readonly folder: string
  private readonly heads = new Set<LiveHeadProcess>()

  private constructor(
    bench: PostgresBench,
    nodes: HostLogNodes,
    facts: { image: string; seed: SeedFacts; folder: string },
  ) {
    this.bench = bench
    this.nodes = nodes
    this.image = facts.image
    this.seed = facts.seed
    this.folder = facts.folder
  }

  static async open(bench: PostgresBench, version: string): Promise<LiveVolume> {
    const image = join(bench.root, 'snapshots', 'seed')
    const facts = await bench.driver.onVolume.seed(
      image,
      { version, master: bench.master, databaseName: 'shop' },
      never,
    )
    const seed = facts.seed!
    const bytes = await readFile(join(image, SEED_LOG))
    const nodes = await HostLogNodes.open(bytes, { start: seed.start, systemId: seed.systemId })
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-heads-'))
    return new LiveVolume(bench, nodes, { image, seed, folder })
  }

  /** A new engine over a copy of the seed image, which reads. */
  async reader(name: string, version: string): Promise<TestInstance> {
    const { feedAddresses: feeds, authority } = this.nodes
    const { caPem } = await authority.issue('reader')
    const volume: VolumeAttachment = {
      id: VOLUME,
      role: 'reader',
      name,
      identifier: `shop-${name}`,
      feeds,
      login: { password: READER_PASSWORD, caPem },
      isOpen: true,
    }
    return attach(this.bench, this, { version, volume })
  }

  /** The reader becomes the writer of the epoch; resolves when clients may come, as an agent would let them. */
  async lead(epoch: Epoch, instance: TestInstance): Promise<{ writer: TestInstance; head: LiveHeadProcess }> {
    const { onVolume } = this.bench.driver
    const head = await this.startHead(epoch, instance)
    const closed = await reattach(this.bench, instance, { role: 'writer', isOpen: false })
    await onVolume.endSessions(closed.folder)
    await head.phase('ready')
    head.say({ type: 'release', reader: instance.spec.volume!.name })
    await onVolume.awaitLog(closed.folder, head.status!.recoveredEnd!, never)
    const { start } = await onVolume.lead(closed.folder, epoch, never)
    await head.keep({ writerStart: start })
    head.say({ type: 'attach' })
    await head.phase('open')
    return { writer: await reattach(this.bench, closed, { isOpen: true }), head }
  }

  async close(): Promise<void> {
    for (const head of this.heads) await head.close()
    await this.nodes.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  private async startHead(epoch: Epoch, { folder }: TestInstance): Promise<LiveHeadProcess> {
    const { socket } = (await readLockFile(folder))!
    const { authority, places } = this.nodes
    const { certificatePem, privateKeyPem, caPem } = await authority.issue(headName(VOLUME))
    const writer = {
      socketFolder: socket!.folder,
      port: socket!.port,
      user: PEER,
      password: peerPassword(this.bench.surroundings),
      name: HEAD,
    }
    const configuration = { generation: 1, members: places.map(({ member }) => member) }
    const tls = { certificatePem, privateKeyPem, caPem }
    const path = join(this.folder, String(epoch), 'head.json')
    await mkdir(dirname(path), { mode: 0o700, recursive: true })
    const head = new LiveHeadProcess(path, { volume: VOLUME, epoch, configuration, places, tls, writer })
    this.heads.add(head)
    await head.start()
    return head
  }
}

/** A head process, as an agent has it. */
export class LiveHeadProcess {
  readonly path: string
  status: FromHead | undefined
  private spec: HeadSpec
  private process: RunningProcess | undefined
  private socket: Socket | undefined

  constructor(path: string, spec: HeadSpec) {
    this.path = path
    this.spec = spec
  }

  /** Again after it has died: as the next process of the same epoch. */
  async start(): Promise<void> {
    await this.keep({})
    const args = [program(), 'head', '--spec', this.path]
    const env = environmentOf(process.env)
    this.status = undefined
    this.process = await spawnDetached(process.execPath, args, { env, outputPath: `${this.path}.log` })
    await this.connect()
  }

  async keep(changes: Partial<HeadSpec>): Promise<void> {
    this.spec = { ...this.spec, ...changes }
    await writeFileDurably(this.path, JSON.stringify(this.spec), { mode: 0o600 })
  }

  say(message: ToHead): void {
    this.socket!.write(encodeFrame(message))
  }

  phase(phase: FromHead['phase']): Promise<true> {
    return eventually(`the head is ${phase}`, () => (this.status?.phase === phase ? true : undefined))
  }

  async exitCode(): Promise<number | undefined> {
    return (await this.process!.exited).code
  }

  async kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' = 'SIGKILL'): Promise<void> {
    process.kill(this.process!.pid, signal)
    if (signal === 'SIGKILL') await this.process!.exited
  }

  async close(): Promise<void> {
    this.socket?.destroy()
    try {
      process.kill(this.process!.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
    await this.process!.exited
  }

  private async connect(): Promise<void> {
    const path = join(await socketFolder(dirname(this.path), 'head.sock'), 'head.sock')
    const socket = await eventually('the head can be dialled', () => dial({ path }).catch(() => undefined))
    const decoder = new FrameDecoder(1_024 * 1_024)
    socket.on('error', () => {})
    socket.on('data', (piece) => {
      for (const message of decoder.push(piece as Buffer)) this.status = message as FromHead
    })
    this.socket = socket
    await eventually('the head has spoken', () => this.status)
  }
}
