/** Certificates, log nodes and heads for tests of the transport, over real connections. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MemoryLog } from '#base/memory-log.ts'
import { memoryLog } from '#base/memory-log.ts'
import { systemClock, type Clock } from '#host/clock.ts'
import {
  listenMutualTls,
  peerContext,
  type OpenDoor,
  type PeerCertificate,
  type PeerContext,
} from '#host/mutual-tls.ts'
import { systemRandom } from '#host/random.ts'
import type { CertificateUsage, IssuedCertificate } from '#trust/authority.ts'
import { openAuthority } from '#trust/open-authority.ts'
import { logNodeDialer } from '#volume/dial-log-node.ts'
import { HeadLinks, type HeadLinksOptions, type LogNodeAddress } from '#volume/head-links.ts'
import { MemberServer, type HostedMember } from '#volume/member-server.ts'
import type { SessionId } from '#volume/ports.ts'
import { headName, logNodeName } from '#wire/quorum/identity.ts'
import type { HeadMessage, MemberId, MemberMessage, Read } from '#wire/quorum/messages.ts'

/** Makes certificates; the test removes its folder at the end. */
export class TestAuthority {
  private readonly folder: string
  private readonly authority: ReturnType<typeof openAuthority>

  private constructor(folder: string) {
    this.folder = folder
    this.authority = openAuthority(folder, systemClock, systemRandom)
  }

  static async open(): Promise<TestAuthority> {
    return new TestAuthority(await mkdtemp(join(tmpdir(), 'holdfast-quorum-')))
  }

  issue(name: string, usage: CertificateUsage = 'peer'): Promise<IssuedCertificate> {
    return this.authority.issue(this.authority.defaultIdentifier, [name], usage)
  }

  async context(name: string, usage?: CertificateUsage): Promise<PeerContext> {
    return peerContext(await this.issue(name, usage))
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

/** A member that writes down what it is told, and answers as the test says. */
export class ScriptedMember implements HostedMember {
  readonly heard: { readonly session: SessionId; readonly message: HeadMessage | Read }[] = []
  readonly left: SessionId[] = []
  private readonly onMessage: (session: SessionId, message: HeadMessage | Read) => void

  constructor(onMessage: (session: SessionId, message: HeadMessage | Read) => void = () => {}) {
    this.onMessage = onMessage
  }

  receive(session: SessionId, message: HeadMessage | Read): void {
    this.heard.push({ session, message })
    this.onMessage(session, message)
  }

  closed(session: SessionId): void {
    this.left.push(session)
  }
}

interface TestNodeOptions {
  readonly clock?: Clock
  readonly shortcut?: string
}

/** A log node whose members are given to it. */
export class TestNode {
  readonly log: MemoryLog = memoryLog()
  server: MemberServer
  readonly refused: Error[] = []
  private readonly node: string
  private readonly certificate: PeerCertificate
  private readonly clock: Clock
  private readonly shortcut: string | undefined
  private door: OpenDoor | undefined
  private port = 0

  /** `shortcut`: a Unix socket that its callers may take. */
  constructor(node: string, certificate: PeerCertificate, { clock = systemClock, shortcut }: TestNodeOptions = {}) {
    this.node = node
    this.certificate = certificate
    this.clock = clock
    this.shortcut = shortcut
    this.server = this.newServer()
  }

  get address(): LogNodeAddress {
    return { node: this.node, host: '127.0.0.1', port: this.port }
  }

  /** On the port that it had before, if it had one. */
  async open(): Promise<this> {
    this.door = await listenMutualTls({
      address: { host: '127.0.0.1', port: this.port },
      certificate: this.certificate,
      patienceMs: 10_000,
      shortcut: this.shortcut,
      onCaller: (socket, names) => this.server.accept(socket, names),
      onRefused: (error) => this.refused.push(error),
    })
    this.port = this.door.port
    return this
  }

  /** Its members are gone with it. */
  close(): void {
    this.door?.close()
    this.server.end()
    this.server = this.newServer()
  }

  private newServer(): MemberServer {
    const context = peerContext(this.certificate)
    return new MemberServer({ dial: logNodeDialer(() => context), clock: this.clock, log: this.log })
  }
}

/** A head's side, which writes down what it hears. */
export class TestHead {
  readonly log: MemoryLog = memoryLog()
  readonly heard: { readonly member: MemberId; readonly message: MemberMessage }[] = []
  readonly connected = new Set<MemberId>()
  readonly links: HeadLinks

  constructor(options: Pick<HeadLinksOptions, 'volume' | 'epoch'> & { context: PeerContext; clock?: Clock }) {
    this.links = new HeadLinks({
      volume: options.volume,
      epoch: options.epoch,
      dial: logNodeDialer(() => options.context),
      clock: options.clock ?? systemClock,
      log: this.log,
      onMessage: (member, message) => this.heard.push({ member, message }),
      onConnected: (member) => this.connected.add(member),
      onLost: (member) => this.connected.delete(member),
    })
  }
}

export const headContext = (authority: TestAuthority, volume: string): Promise<PeerContext> =>
  authority.context(headName(volume))

export const openNode = async (authority: TestAuthority, node: string, options?: TestNodeOptions): Promise<TestNode> =>
  new TestNode(node, await authority.issue(logNodeName(node)), options).open()
