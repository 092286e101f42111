/** An engine driver without processes or disk, for tests: it does what the test says and remembers what was asked. */
import assert from 'node:assert/strict'
import type { EngineDriver, EngineFacts, EngineProcess } from '#engine/engine.ts'
import type { LogSegment, LogWanted, Recovery, TimelineHistory } from '#engine/recovery.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { VolumeEngine } from '#engine/volume-engine.ts'
import type { LogPosition, ObservedReplication } from '#wire/agent/replication.ts'
import type { ObservedVolume } from '#wire/agent/volume.ts'

interface Volume {
  readonly version: string
  conf: InstanceSpec | undefined
  master: string | undefined
  engine: (EngineProcess & { end(): void }) | undefined
}

export class ScriptedEngine implements EngineDriver {
  readonly name = 'postgres'
  /** By folder. Survives the agent, as a disk and detached processes do. */
  readonly volumes = new Map<string, Volume>()
  /** Verbs in the order in which they were asked for. */
  readonly calls: string[] = []
  /** Whether engines accept connections. */
  accepting = true
  /** What engines say of replication. */
  observedReplication: ObservedReplication | undefined
  /** How far a standby is, by what it was given. */
  wanted: (given: readonly LogSegment[], isExact: boolean) => LogWanted = () => ({
    timeline: 1,
    lsn: 0n,
    isIdle: true,
    receiverPid: 1,
  })
  readonly given: LogSegment[] = []
  /** What a look at any engine finds. */
  facts: EngineFacts = {}
  /** How often consumers were tended. */
  tended = 0
  /** Folders of engines that were made read-only. */
  readonly readOnly = new Set<string>()
  private readonly scripts = new Map<string, (signal: AbortSignal | undefined) => Promise<void> | void>()
  /** What engines say of their volume. */
  observedVolume: ObservedVolume | undefined
  /** What a promotion says of where the epoch begins. */
  started = { start: 1_000, after: 1 }
  private pid = 100
  /** Epochs that engines led last, by folder. */
  private readonly led = new Map<string, number>()

  readonly onVolume: VolumeEngine = {
    seed: async (_image, { version, fill }, signal) => {
      await fill?.('draft')
      await this.play('seed', signal)
      return { sizeBytes: 42, engineVersion: version, seed: { systemId: '7', epoch: 1, start: 0, end: 160 } }
    },
    image: async (_image, { version, from, until }, signal) => {
      await this.play(`image ${from} ${until}`, signal)
      return { sizeBytes: 43, engineVersion: version, image: { systemId: '7', epoch: 2, from: 0 } }
    },
    branch: (_folder, { from, until }, signal) => this.play(`branch ${from} ${until}`, signal),
    checkpoint: async (folder, since) => {
      this.running(folder)
      await this.play(`checkpoint ${since}`)
      return 160
    },
    belongs: async () => true,
    attach: async (folder, { version }, image, signal) => {
      this.volumes.set(folder, { version, conf: undefined, master: 'attached', engine: undefined })
      await this.play(`attach ${image}`, signal)
    },
    endSessions: async (folder) => {
      assert.equal(this.volume(folder).conf?.volume?.isOpen, false, 'nobody comes in while sessions are ended')
      await this.play('endSessions')
    },
    awaitLog: (_folder, end, signal) => this.play(`awaitLog ${end}`, signal),
    lead: async (folder, epoch, signal) => {
      const isAgain = this.led.get(folder) === epoch
      assert.equal(this.volume(folder).conf?.volume?.isOpen, isAgain, 'nobody is in when the reader is promoted')
      await this.play(`lead ${epoch}`, signal)
      this.running(folder)
      this.led.set(folder, epoch)
      return this.started
    },
    headLogin: async (folder) => ({ socketFolder: folder, port: 1, user: 'peer', password: 'secret', name: 'head' }),
    observe: async () => this.observedVolume,
    openLog: async () => assert.fail('this engine has no log'),
    tellReplicas: (_folder, { replicas }) => this.play(`tellReplicas ${replicas.length}`),
  }

  /** Runs `script` at the beginning of a verb until it is set again; it may throw, or make the verb wait. */
  on(verb: string, script: ((signal: AbortSignal | undefined) => Promise<void> | void) | undefined): void {
    if (script) this.scripts.set(verb, script)
    else this.scripts.delete(verb)
  }

  /** The engine on this folder ends by itself. */
  die(folder: string): void {
    this.running(folder).end()
  }

  isRunning(folder: string): boolean {
    return this.volumes.get(folder)?.engine !== undefined
  }

  async installed(): Promise<string[]> {
    return ['17.10']
  }

  async prepare(version: string, onProgress: (text: string) => void): Promise<{ fetched: boolean }> {
    onProgress('fetching')
    await this.play('prepare')
    return { fetched: version !== '17.10' }
  }

  async initialize(folder: string, spec: InstanceSpec, signal: AbortSignal): Promise<void> {
    assert.equal(this.volumes.has(folder), false, 'initialize finds no volume')
    this.volumes.set(folder, { version: spec.version, conf: undefined, master: undefined, engine: undefined })
    await this.play('initialize', signal)
  }

  async restore(folder: string, spec: InstanceSpec, _snapshot: string, signal: AbortSignal): Promise<void> {
    this.volumes.set(folder, { version: spec.version, conf: undefined, master: 'restored', engine: undefined })
    await this.play('restore', signal)
  }

  async seal(): Promise<void> {
    await this.play('seal')
  }

  async configure(folder: string, spec: InstanceSpec): Promise<void> {
    await this.play('configure')
    this.volume(folder).conf = spec
  }

  async start(folder: string, spec: InstanceSpec, signal: AbortSignal): Promise<EngineProcess> {
    const volume = this.volume(folder)
    assert.equal(volume.engine, undefined, 'one engine a volume')
    assert.deepEqual(volume.conf, spec, 'an engine is started with the configuration of its spec')
    await this.play('start', signal)
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = (): void => {
      volume.engine = undefined
      resolve()
    }
    volume.engine = { pid: this.pid++, exited: promise, end }
    return volume.engine
  }

  async adopt(folder: string): Promise<EngineProcess | undefined> {
    return this.volumes.get(folder)?.engine
  }

  async probe(folder: string): Promise<boolean> {
    return this.accepting && this.isRunning(folder)
  }

  /** What another host finds at any address. */
  answering = true

  async answers(): Promise<boolean> {
    return this.answering
  }

  async stop(engine: EngineProcess, mode: string): Promise<void> {
    await this.play(`stop ${mode}`)
    const volume = [...this.volumes.values()].find((candidate) => candidate.engine?.pid === engine.pid)
    volume?.engine?.end()
  }

  async kill(engine: EngineProcess): Promise<void> {
    await this.play('kill')
    const volume = [...this.volumes.values()].find((candidate) => candidate.engine?.pid === engine.pid)
    volume?.engine?.end()
  }

  async follow(folder: string, spec: InstanceSpec, _seed: string, signal: AbortSignal): Promise<void> {
    this.volumes.set(folder, { version: spec.version, conf: undefined, master: 'followed', engine: undefined })
    await this.play('follow', signal)
  }

  async promote(folder: string): Promise<number> {
    await this.play('promote')
    assert.ok(this.running(folder))
    return 2
  }

  async admitFollowers(folder: string): Promise<void> {
    await this.play('admitFollowers')
    assert.ok(this.running(folder))
  }

  async awaitSynchronous(_folder: string, _spec: InstanceSpec, signal: AbortSignal): Promise<void> {
    await this.play('awaitSynchronous', signal)
  }

  async awaitSealed(_folder: string, _spec: InstanceSpec, signal: AbortSignal): Promise<LogPosition> {
    await this.play('awaitSealed', signal)
    return { ...(await this.position()), role: 'standby' }
  }

  async logWanted(_folder: string, isExact: boolean): Promise<LogWanted> {
    await this.play('logWanted')
    return this.wanted(this.given, isExact)
  }

  async giveLog(_folder: string, segment: LogSegment, histories: readonly TimelineHistory[]): Promise<void> {
    await this.play(`giveLog ${segment.timeline} after ${histories.map(({ timeline }) => timeline).join(', ')}`)
    this.given.push(segment)
  }

  isDecodable({ settings }: InstanceSpec): boolean {
    return settings['wal_level'] === 'logical'
  }

  async tendConsumers(folder: string): Promise<void> {
    this.running(folder)
    this.tended++
    await this.scripts.get('tendConsumers')?.(undefined)
  }

  async replication(_folder: string, { replication }: InstanceSpec): Promise<ObservedReplication | undefined> {
    const streams = { role: 'standby', isStreaming: true, sourceAnswers: true } as const
    return this.observedReplication ?? (replication?.role === 'standby' ? streams : undefined)
  }

  async position(): Promise<LogPosition> {
    return { role: 'primary', timeline: 1, flushedLsn: '0/1', replayedLsn: '0/1', lagSeconds: undefined }
  }

  async bootstrap(folder: string, _spec: InstanceSpec, master: { name: string }): Promise<void> {
    await this.play('bootstrap')
    assert.ok(this.running(folder))
    this.volume(folder).master = master.name
  }

  async setPassword(folder: string, _spec: InstanceSpec, master: { name: string }): Promise<void> {
    await this.play('setPassword')
    assert.ok(this.running(folder))
    this.volume(folder).master = master.name
  }

  async reload(): Promise<readonly string[]> {
    await this.play('reload')
    return ['shared_buffers']
  }

  async pendingRestart(): Promise<readonly string[]> {
    return []
  }

  async snapshot(
    folder: string,
    spec: InstanceSpec,
    _target: string,
    running: boolean,
    signal: AbortSignal,
  ): Promise<{ sizeBytes: number; engineVersion: string }> {
    assert.equal(this.isRunning(folder), running)
    await this.play('snapshot', signal)
    return { sizeBytes: 42, engineVersion: spec.version }
  }

  async isReadOnly(folder: string): Promise<boolean> {
    return this.readOnly.has(folder)
  }

  async setReadOnly(folder: string, readOnly: 'no' | 'yes' | 'with little log'): Promise<void> {
    await this.play(readOnly === 'no' ? 'writable' : 'read-only')
    if (readOnly !== 'no') this.readOnly.add(folder)
    else this.readOnly.delete(folder)
  }

  async endWriters(): Promise<number> {
    await this.play('endWriters')
    return 1
  }

  async reclaimLog(): Promise<void> {
    await this.play('reclaimLog')
  }

  async measure(): Promise<EngineFacts> {
    await this.play('measure')
    return this.facts
  }

  async recover(folder: string, spec: InstanceSpec, recovery: Recovery, signal: AbortSignal): Promise<void> {
    await this.play('recover', signal)
    for await (const part of recovery.log) this.calls.push(`log ${part.timeline}/${part.lsn}+${part.bytes.length}`)
    this.volumes.set(folder, { version: spec.version, conf: undefined, master: 'recovered', engine: undefined })
  }

  async endRecovery(): Promise<void> {
    await this.play('endRecovery')
  }

  async openLog(): Promise<never> {
    throw new Error('a scripted engine writes no log')
  }

  async logs(): Promise<{ name: string; sizeBytes: number; writtenAt: number }[]> {
    return [{ name: 'postgresql.log', sizeBytes: 5, writtenAt: 1 }]
  }

  async readLog(
    _folder: string,
    name: string,
  ): Promise<{ text: string; nextOffset: number; sizeBytes: number } | undefined> {
    return name === 'postgresql.log' ? { text: 'lines', nextOffset: 5, sizeBytes: 5 } : undefined
  }

  private async play(verb: string, signal?: AbortSignal): Promise<void> {
    this.calls.push(verb)
    await this.scripts.get(verb)?.(signal)
    signal?.throwIfAborted()
  }

  private volume(folder: string): Volume {
    const volume = this.volumes.get(folder)
    assert.ok(volume, `${folder} has a volume`)
    return volume
  }

  private running(folder: string): EngineProcess & { end(): void } {
    const { engine } = this.volume(folder)
    assert.ok(engine, `an engine runs on ${folder}`)
    return engine
  }
}

/** A spec like those that control makes. */
export function specOf(id: string, changes: Partial<InstanceSpec> = {}): InstanceSpec {
  return {
    id,
    engine: 'postgres',
    version: '17.10',
    listenAddress: '127.0.0.1',
    port: 5432,
    settings: {},
    requireTls: false,
    tls: { certificatePem: 'certificate', privateKeyPem: 'very private', caPem: 'ca' },
    capacity: { vcpus: 2, memoryBytes: 1e9, storageBytes: 2e10 },
    ...changes,
  }
}
