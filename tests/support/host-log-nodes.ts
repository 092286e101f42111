/** Log nodes as processes, one for each zone, as agents keep them; and the head of a volume that is on all of them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryLog } from '#base/memory-log.ts'
import type { ConnectedLogNode } from '#agent/log-node.ts'
import { systemClock } from '#host/clock.ts'
import type { PeerContext } from '#host/mutual-tls.ts'
import { systemRandom } from '#host/random.ts'
import { environmentOf } from '#role/process-environment.ts'
import { openHostLogNode } from '#role/lognode-process.ts'
import { stateFolder } from '#role/state-folder.ts'
import { scramVerifier } from '#trust/scram.ts'
import { logNodeDialer } from '#volume/dial-log-node.ts'
import { HeadLinks, type LogNodeAddress } from '#volume/head-links.ts'
import { Head } from '#volume/head.ts'
import type { RecoveredLog } from '#volume/ports.ts'
import type { MemberPlace, ObservedMember } from '#wire/lognode/messages.ts'
import { logNodeName } from '#wire/quorum/identity.ts'
import type { Epoch, MemberId, Position } from '#wire/quorum/messages.ts'
import { eventually } from './eventually.ts'
import { TestAuthority, headContext } from './log-nodes.ts'
import { WalReader } from './wal-reader.ts'
import { freeAddress } from './free-port.ts'

export const ZONES = ['a', 'b', 'c'] as const
type Zone = (typeof ZONES)[number]

export const VOLUME = 'vol-1'
/** Of whoever reads the volume's log. */
export const READER_PASSWORD = 'a password of readers'
export const START = 16 * 1_024 * 1_024

interface HostedVolume {
  /** Where its log begins. */
  readonly start?: Position
  /** PostgreSQL's. */
  readonly systemId?: string
}

export class HostLogNodes {
  readonly state: string
  readonly authority: TestAuthority
  /** As the agent of the zone has them. */
  readonly nodes = new Map<Zone, ConnectedLogNode>()
  private readonly feeds = new Map<Zone, number>()
  private readonly addresses = new Map<Zone, LogNodeAddress>()

  private constructor(state: string, authority: TestAuthority) {
    this.state = state
    this.authority = authority
  }

  /** Processes that know who they are, with two members of the volume each, which all begin with `seed`. */
  static async open(seed: Buffer, { start = START, systemId = '7' }: HostedVolume = {}): Promise<HostLogNodes> {
    const state = await mkdtemp(join(tmpdir(), 'holdfast-log-nodes-'))
    const all = new HostLogNodes(state, await TestAuthority.open())
    const seedPath = join(state, 'seed')
    await writeFile(seedPath, seed)
    for (const zone of ZONES) await all.connect(zone)
    await Promise.all(
      ZONES.map(async (zone) => {
        const [door, feed] = [await freeAddress(), await freeAddress()]
        all.addresses.set(zone, { node: zone, ...door })
        all.feeds.set(zone, feed.port)
        const certificate = await all.authority.issue(logNodeName(zone))
        await all.node(zone).configure({ node: zone, door, feed, certificate })
      }),
    )
    const history = [{ epoch: 1, start }]
    const terms = {
      systemId,
      verifier: await scramVerifier(READER_PASSWORD, { salt: systemRandom.bytes(16) }),
    }
    await Promise.all(
      all.places.map(async ({ member, node }) => {
        await all.node(node as Zone).describe({ volume: VOLUME, places: all.places, readers: terms })
        await all.node(node as Zone).create({ volume: VOLUME, member, start, history, seedPath })
      }),
    )
    return all
  }

  get places(): MemberPlace[] {
    return ZONES.flatMap((zone) => ['1', '2'].map((copy) => ({ member: zone + copy, ...this.addresses.get(zone)! })))
  }

  /** Where readers come in. */
  get feedAddresses(): { readonly host: string; readonly port: number }[] {
    return ZONES.map((zone) => ({ host: '127.0.0.1', port: this.feeds.get(zone)! }))
  }

  node(zone: Zone): ConnectedLogNode {
    return this.nodes.get(zone)!
  }

  /** As a new agent does. */
  async connect(zone: Zone): Promise<void> {
    await mkdir(join(this.state, 'hosts', zone), { recursive: true })
    const log = memoryLog()
    const env = environmentOf(process.env)
    this.nodes.set(zone, await openHostLogNode({ folder: stateFolder(this.state), az: zone, env, log }))
  }

  member(id: MemberId): Extract<ObservedMember, { state: 'open' }> | undefined {
    const seen = this.node(id[0] as Zone)
      .observed()
      ?.members.find(({ member }) => member === id)
    return seen?.state === 'open' ? seen : undefined
  }

  /** A reader at the log node of the zone. Rejects when it is not let in. */
  async reader(zone: Zone): Promise<WalReader> {
    const { caPem: ca } = await this.authority.issue('reader')
    // As `sslmode=verify-ca` does: the name of a log node is not one of the network.
    const ssl = { ca, checkServerIdentity: () => undefined }
    return WalReader.open({ port: this.feeds.get(zone)!, user: VOLUME, password: READER_PASSWORD, ssl })
  }

  async head(epoch: Epoch): Promise<LiveHead> {
    return new LiveHead(epoch, this.places, await headContext(this.authority, VOLUME))
  }

  async close(): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.shutDown()))
    for (const node of this.nodes.values()) node.close()
    await this.authority.close()
    await rm(this.state, { recursive: true, force: true })
  }
}

/** A head whose writer is the test. */
export class LiveHead {
  readonly links: HeadLinks
  recovered: RecoveredLog | undefined
  fenced: string | undefined
  /** Where this epoch's log ends, and up to where it is durable. */
  end: Position = 0
  durable: Position = 0
  private readonly head: Head

  constructor(epoch: Epoch, places: readonly MemberPlace[], context: PeerContext) {
    this.head = new Head(
      {
        clock: systemClock,
        send: (members, message) => void this.links.send(members, message),
        recovered: (log) => (this.recovered = log),
        durable: (position) => (this.durable = position),
        opened: () => {},
        configured: () => {},
        fenced: (reason) => (this.fenced = reason),
        flow: () => {},
      },
      // A slow machine is no reason to end a writer here.
      { epoch, configuration: { generation: 1, members: places.map(({ member }) => member) }, leaseMs: 120_000 },
    )
    this.links = new HeadLinks({
      volume: VOLUME,
      epoch,
      dial: logNodeDialer(() => context),
      clock: systemClock,
      log: memoryLog(),
      onMessage: (member, message) => this.head.received(member, message),
      onConnected: (member) => this.head.connected(member),
      onLost: (member) => this.head.disconnected(member),
    })
    this.links.place(new Map(places.map((place) => [place.member, place])))
  }

  /** Begins this epoch's log where the one that was recovered ends. */
  async begin(): Promise<void> {
    const { end } = await eventually('the log is recovered', () => this.recovered)
    this.end = end
    this.head.epochStarts(end)
  }

  write(bytes: Buffer): void {
    const position = this.end
    this.end += bytes.length
    this.head.append(position, bytes, this.end)
  }

  /** Resolves when all that was written is durable. */
  async committed(): Promise<void> {
    const { end } = this
    await eventually(`the log is durable up to ${end}`, () => (this.durable >= end ? true : undefined))
  }

  /** As by kill -9. */
  die(): void {
    this.head.stop()
    this.links.close()
  }
}
