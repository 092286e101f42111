/**
 * A log node: members of many volumes in folders of one host, the doors by which heads, peers and readers come in, and a
 * table of all that it was told, so that the next process goes on with it. docs/protocol/lognode.md.
 */
import { join } from 'node:path'
import { InvariantError } from '#base/assert.ts'
import { Trouble, messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import { makeFolder, removeTree } from '#host/disk.ts'
import type { Random } from '#host/random.ts'
import type { LogNodeTerms, MemberOrder, ObservedDoors, ObservedMember, VolumeTerms } from '#wire/lognode/messages.ts'
import type { MemberId, Position } from '#wire/quorum/messages.ts'
import { Feeds } from './feeds.ts'
import { Doors } from './log-node/doors.ts'
import { every, scrubInTurn } from './log-node/every.ts'
import { LAST_WRITE_MS_MAX, MEMBERS_HERE_MAX, READERS_LOOK_MS } from './log-node/limits.ts'
import { MemberHome, type MemberDisk, type MemberFailure } from './log-node/member-home.ts'
import { oldest } from './horizons.ts'
import { LogNodeReports, type LogNodeReport } from './log-node/reports.ts'
import { readSeed, refusal } from './log-node/seed.ts'
import type { LogNodeTable, MemberRecord } from './log-node/table.ts'
import { Turns } from './log-node/turns.ts'
import { MemberServer } from './member-server.ts'
import { Relays } from './relays.ts'
import type { VolumeSource } from './postgres/volume-source.ts'

export type { LogNodeReport } from './log-node/reports.ts'
export type { LogNodeTable } from './log-node/table.ts'

export interface LogNodeOptions {
  readonly table: LogNodeTable
  /** Of the members' folders: `<volume>/<member>` in it. */
  readonly folder: string
  /** Of one member: its folder, which is there. */
  readonly openDisk: (folder: string) => MemberDisk
  /** Path of a Unix socket for heads and peers on this machine, in a folder that is this account's alone. */
  readonly shortcut?: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The process must end now: what it would go on with cannot be trusted. */
  readonly ends: (reason: string) => void
}

export class LogNode {
  private readonly options: LogNodeOptions
  private readonly server: MemberServer
  private readonly doors: Doors
  private readonly feeds: Feeds
  private readonly reports: LogNodeReports
  readonly relays: Relays
  private readonly turns = new Turns()
  private readonly records = new Map<string, MemberRecord>()
  private readonly homes = new Map<string, MemberHome>()
  private readonly sources = new Map<string, VolumeSource>()
  private readonly rounds: (() => void)[] = []

  /** Goes on with what the table has: resolves when all members that are there can be spoken to. */
  static async open(options: LogNodeOptions): Promise<LogNode> {
    const node = new LogNode(options)
    await node.load()
    return node
  }

  private constructor(options: LogNodeOptions) {
    const { clock, random, log, shortcut } = options
    this.options = options
    this.server = new MemberServer({
      dial: (address) => this.doors.dial(address),
      onHeard: (volume) => this.feeds.heard(volume),
      clock,
      log,
    })
    this.doors = new Doors({
      clock,
      log,
      shortcut,
      onCaller: (socket, names) => this.server.accept(socket, names),
      onReader: (socket) => this.feeds.accept(socket),
      onChange: () => this.reports.doorsChanged(),
    })
    this.feeds = new Feeds({ clock, random, log, tls: () => this.doors.identity! })
    this.relays = new Relays(options)
    this.reports = new LogNodeReports({
      clock,
      doors: () => this.doors.observed(),
      member: (key) => this.look(key),
      relays: () => this.relays.observed(),
      readers: () => [...this.sources.keys()].flatMap((volume) => this.feeds.readers(volume)),
    })
  }

  /** How many members it has, those that failed included. */
  get size(): number {
    return this.records.size
  }

  observed(): { readonly doors: ObservedDoors; readonly members: readonly ObservedMember[] } {
    return { doors: this.doors.observed(), members: [...this.records.keys()].map((key) => this.look(key)!) }
  }

  /** Told of every change. Gives what ends that. */
  onReport(listener: (report: LogNodeReport) => void): () => void {
    return this.reports.listen(listener)
  }

  configure(terms: LogNodeTerms): Promise<void> {
    return this.turns.run('terms', async () => {
      this.doors.apply(terms)
      await this.options.table.put('terms', terms)
    })
  }

  describe(terms: VolumeTerms): Promise<void> {
    return this.turns.run(`volume ${terms.volume}`, async () => {
      await this.options.table.put(`volume/${terms.volume}`, terms)
      this.heed(terms)
    })
  }

  create(order: MemberOrder): Promise<void> {
    const key = keyOf(order)
    return this.turns.run(key, async () => {
      const known = this.records.get(key)
      if (known?.state === 'failed') throw refusal(`${order.member} has failed: ${known.reason}`)
      if (known?.state === 'there') return
      if (!known && this.size >= MEMBERS_HERE_MAX) throw refusal('this log node has as many members as it can have')
      await this.keep(key, { volume: order.volume, member: order.member, state: 'creating' })
      await this.make(key, order)
      await this.keep(key, { volume: order.volume, member: order.member, state: 'there' })
      this.start(key)
    })
  }

  remove(volume: string, member: MemberId): Promise<void> {
    const key = keyOf({ volume, member })
    return this.turns.run(key, async () => {
      if (!this.records.has(key)) return
      await this.close(key)
      await removeTree(this.folderOf(key))
      await this.options.table.delete(`member/${key}`)
      this.records.delete(key)
      this.reports.gone({ volume, member })
      if ([...this.records.values()].some((record) => record.volume === volume)) return
      await this.options.table.delete(`volume/${volume}`)
      this.server.forget(volume)
      this.feeds.drop(volume)
      this.sources.delete(volume)
      await removeTree(join(this.options.folder, volume))
    })
  }

  prune(volume: string, before: Position): void {
    for (const home of this.homes.values()) if (home.options.volume === volume) home.opened?.prune(before)
  }

  /** Hangs up on everybody, and answers nobody. The process must end now. */
  end(): void {
    this.doors.close()
    this.relays.close()
    this.server.end()
    this.feeds.close()
    this.reports.end()
    for (const stop of this.rounds) stop()
  }

  private async load(): Promise<void> {
    const kept = await this.options.table.all()
    for (const [key, value] of kept) if (key.startsWith('volume/')) this.heed(value as VolumeTerms)
    for (const [at, value] of kept) if (at.startsWith('member/')) this.records.set(at.slice(7), value as MemberRecord)
    for (const [key, { state }] of this.records) if (state === 'there') this.start(key)
    // Last, so that whoever comes in finds all that are there.
    if (kept.has('terms')) this.doors.apply(kept.get('terms') as LogNodeTerms)
    this.relays.load(kept)
    const { clock } = this.options
    this.rounds.push(
      every(clock, READERS_LOOK_MS, () => this.feeds.look()),
      scrubInTurn(clock, () => [...this.homes.values()]),
    )
  }

  private heed({ volume, places, readers }: VolumeTerms): void {
    this.server.place(volume, new Map(places.map((place) => [place.member, place])))
    const before = this.sources.get(volume)
    const source = readers && this.feeds.open(volume, readers)
    if (source === before) return
    if (!source) this.feeds.drop(volume)
    if (!source) return void this.sources.delete(volume)
    this.sources.set(volume, source)
    for (const { options, opened } of this.homes.values()) if (options.volume === volume && opened) source.add(opened)
  }

  private async make(key: string, order: MemberOrder): Promise<void> {
    const bytes = await readSeed(order)
    const folder = this.folderOf(key)
    await makeFolder(folder, { mode: 0o700 })
    const home = this.homeOf(key)
    try {
      await home.create({ start: order.start, history: order.history, bytes })
    } finally {
      await home.close()
    }
  }

  /** Opens a member that is there. */
  private start(key: string): void {
    try {
      const home = this.homeOf(key)
      this.homes.set(key, home)
      const member = home.open()
      if (member) {
        this.sources.get(home.options.volume)?.add(member)
        return this.reports.changed(key)
      }
      if (this.records.get(key)!.state === 'there')
        this.failed(key, { reason: 'its folder has no member', error: undefined, isSyncFailed: false })
    } catch (error) {
      // Nor is this the place of a process while another one has the folder.
      if (error instanceof InvariantError || error instanceof Trouble) throw error
      this.options.log.error({ error, member: key }, `a member cannot be opened: ${messageOf(error)}`)
      this.unreadable.set(key, messageOf(error))
      void this.close(key)
    }
  }

  /** Members that could not be opened by this process. The next one tries again. */
  private readonly unreadable = new Map<string, string>()

  private homeOf(key: string): MemberHome {
    const { volume, member } = this.records.get(key)!
    return new MemberHome({
      volume,
      member,
      folder: this.folderOf(key),
      openDisk: this.options.openDisk,
      server: this.server,
      clock: this.options.clock,
      onAdvanced: () => {
        this.sources.get(volume)?.advanced()
        this.reports.moved(key)
      },
      horizon: () => oldest(this.feeds.readers(volume)),
      onMended: (at) => this.options.log.warn({ member: key, at }, 'damage on the disk is mended from a peer'),
      onFailed: (failure) => this.failed(key, failure),
    })
  }

  private failed(key: string, { reason, error, isSyncFailed }: MemberFailure): void {
    const { log, clock, ends } = this.options
    const { volume, member } = this.records.get(key)!
    const why = error ? `${reason}: ${messageOf(error)}` : reason
    log.error({ error, member: key }, `a member has failed: ${why}`)
    const isDamaged = error === undefined
    const isLost = isDamaged || isSyncFailed
    const failure = { volume, member, state: 'failed', reason: why } as const
    const kept = isLost ? this.keep(key, failure) : Promise.resolve()
    void this.close(key)
    if (isDamaged) {
      return void kept.catch((cause: unknown) => ends(`the failure of ${key} could not be kept: ${messageOf(cause)}`))
    }
    // What this process would go on with on this disk cannot be trusted; the next one has what is there.
    const end = (): void => ends(`${key}: ${why}`)
    clock.after(LAST_WRITE_MS_MAX, end)
    kept.then(end, end)
  }

  private async close(key: string): Promise<void> {
    const home = this.homes.get(key)
    if (!home) return
    this.homes.delete(key)
    const { opened, options } = home
    const closed = home.close()
    if (opened) this.sources.get(options.volume)?.remove(opened)
    this.reports.changed(key)
    await closed
  }

  private async keep(key: string, record: MemberRecord): Promise<void> {
    this.records.set(key, record)
    await this.options.table.put(`member/${key}`, record)
  }

  private look(key: string): ObservedMember | undefined {
    const record = this.records.get(key)
    if (!record) return undefined
    const { volume, member } = record
    const reason = record.state === 'failed' ? record.reason : this.unreadable.get(key)
    if (reason !== undefined) return { volume, member, state: 'failed', reason }
    return this.homes.get(key)?.observed() ?? { volume, member, state: 'creating' }
  }

  private folderOf(key: string): string {
    return join(this.options.folder, key)
  }
}

const keyOf = ({ volume, member }: { volume: string; member: MemberId }): string => `${volume}/${member}`
