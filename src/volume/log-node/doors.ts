/** Where others come in: heads and peers by mutual TLS, and readers. Open as soon as the ports are free. */
import { Trouble, messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import { listenMutualTls, peerContext, type OpenDoor, type PeerContext } from '#host/mutual-tls.ts'
import type { Server, Socket } from '#host/net.ts'
import { listenTcp } from '#host/tcp.ts'
import { tlsIdentity, type TlsIdentity } from '#host/tls.ts'
import type { LogNodeTerms, NetworkAddress, ObservedDoors } from '#wire/lognode/messages.ts'
import { logNodeDialer } from '../dial-log-node.ts'
import type { LogNodeAddress } from '../head-links.ts'
import { BIND_PAUSE_MS, HANDSHAKE_MS_MAX } from './limits.ts'

export interface DoorsOptions {
  readonly clock: Clock
  readonly log: Log
  /** Where heads and peers on this machine go on without TLS, in a folder that is this account's alone. */
  readonly shortcut?: string | undefined
  readonly onCaller: (socket: Socket, names: ReadonlySet<string>) => void
  readonly onReader: (socket: Socket) => void
  readonly onChange: () => void
}

/** Undefined where it does not listen, and then `problem` says why, once that is known. */
interface Door<D> {
  readonly address: NetworkAddress
  open: D | undefined
  problem: string | undefined
  again: Timer | undefined
}

export class Doors {
  private readonly options: DoorsOptions
  private terms: LogNodeTerms | undefined
  private quorum: Door<OpenDoor> | undefined
  private feed: Door<Server> | undefined
  private dialling: PeerContext | undefined
  private showing: TlsIdentity | undefined

  constructor(options: DoorsOptions) {
    this.options = options
  }

  /** Another log node, as this one. Rejects when that cannot be had. */
  async dial(address: LogNodeAddress): Promise<Socket> {
    const { dialling } = this
    if (!dialling) throw new Trouble('this log node has no certificate yet', { culprit: 'us', retryable: true })
    return logNodeDialer(() => dialling)(address)
  }

  /** What readers are shown; they come in no earlier. */
  get identity(): TlsIdentity | undefined {
    return this.showing
  }

  observed(): ObservedDoors {
    const doors = [this.quorum, this.feed]
    return {
      node: this.terms?.node,
      listening: doors.every((door) => door?.open),
      problem: doors.find((door) => door?.problem !== undefined)?.problem,
    }
  }

  /** Throws when the certificate is none, and then nothing has changed. */
  apply(terms: LogNodeTerms): void {
    const { certificatePem, privateKeyPem, caPem } = terms.certificate
    const [dialling, showing] = [peerContext(terms.certificate), tlsIdentity(certificatePem, privateKeyPem, caPem)]
    this.dialling = dialling
    this.showing = showing
    this.terms = terms
    this.quorum?.open?.renew(terms.certificate)
    if (!isAt(this.quorum, terms.door)) {
      this.shut(this.quorum)
      this.quorum = doorAt(terms.door)
      void this.keepOpening(this.quorum, (address) => this.openQuorum(address))
    }
    if (!isAt(this.feed, terms.feed)) {
      this.shut(this.feed)
      this.feed = doorAt(terms.feed)
      void this.keepOpening(this.feed, (address) => listenTcp(address, this.options.onReader))
    }
    this.options.onChange()
  }

  close(): void {
    this.shut(this.quorum)
    this.shut(this.feed)
    this.quorum = undefined
    this.feed = undefined
  }

  private async openQuorum(address: NetworkAddress): Promise<OpenDoor> {
    const { log, shortcut, onCaller } = this.options
    const door = await listenMutualTls({
      address,
      certificate: this.terms!.certificate,
      patienceMs: HANDSHAKE_MS_MAX,
      shortcut,
      onCaller,
      onRefused: (error) => log.info({ error }, `at the door for heads and peers: ${messageOf(error)}`),
    })
    // It may have been renewed meanwhile.
    door.renew(this.terms!.certificate)
    return door
  }

  /** Until the port is free: a process that was killed a moment ago may have had it. */
  private async keepOpening<D extends { close(): unknown }>(
    door: Door<D>,
    opening: (address: NetworkAddress) => Promise<D>,
  ): Promise<void> {
    const isCurrent = (): boolean => [this.quorum, this.feed].some((current: unknown) => current === door)
    try {
      const open = await opening(door.address)
      if (!isCurrent()) return void open.close()
      door.open = open
      door.problem = undefined
    } catch (error) {
      if (!isCurrent()) return
      if (door.problem === undefined) this.options.log.warn({ error, address: door.address }, 'a door does not open')
      door.problem = messageOf(error)
      door.again = this.options.clock.after(BIND_PAUSE_MS, () => void this.keepOpening(door, opening))
    }
    this.options.onChange()
  }

  private shut(door: Door<{ close(): unknown }> | undefined): void {
    door?.again?.cancel()
    door?.open?.close()
  }
}

const doorAt = <D>(address: NetworkAddress): Door<D> => ({
  address,
  open: undefined,
  problem: undefined,
  again: undefined,
})

const isAt = (door: Door<unknown> | undefined, { host, port }: NetworkAddress): boolean =>
  door?.address.host === host && door.address.port === port
