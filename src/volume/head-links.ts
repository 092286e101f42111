/** A head's way to the members of its volume: one connection to each log node that has some of them. */
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import type { TcpAddress } from '#host/tcp.ts'
import type { MemberPlace } from '#wire/lognode/messages.ts'
import type { Epoch, HeadMessage, MemberId, MemberMessage } from '#wire/quorum/messages.ts'
import { Link } from './transport/link.ts'

/** A log node, and where it is. */
export interface LogNodeAddress extends TcpAddress {
  /** Names the log node for life; the name that its certificate is made out to. */
  readonly node: string
}

export const placesByMember = (places: readonly MemberPlace[]): ReadonlyMap<MemberId, LogNodeAddress> =>
  new Map(places.map(({ member, node, host, port }) => [member, { node, host, port }]))

export interface HeadLinksOptions {
  readonly volume: string
  readonly epoch: Epoch
  /** A connection to this log node, who is known to be it. Rejects when that cannot be had. */
  readonly dial: (node: LogNodeAddress) => Promise<Socket>
  readonly clock: Clock
  readonly log: Log
  /** Only of members that can be spoken to. */
  readonly onMessage: (member: MemberId, message: MemberMessage) => void
  /** It can be spoken to, or no more. What was sent to one before it was lost has arrived or not. */
  readonly onConnected: (member: MemberId) => void
  readonly onLost: (member: MemberId) => void
}

export class HeadLinks {
  private readonly options: HeadLinksOptions
  private readonly links = new Map<string, Link>()
  private readonly addresses = new Map<string, LogNodeAddress>()
  private places: ReadonlyMap<MemberId, LogNodeAddress> = new Map()
  private readonly connected = new Map<MemberId, Link>()

  constructor(options: HeadLinksOptions) {
    this.options = options
  }

  /** Where members are, all of them: others are not spoken to any more. May be called again at any time. */
  place(places: ReadonlyMap<MemberId, LogNodeAddress>): void {
    this.places = places
    const needed = new Map([...places.values()].map((address) => [address.node, address]))
    for (const [node, address] of this.addresses) {
      const next = needed.get(node)
      if (next && next.host === address.host && next.port === address.port) continue
      this.links.get(node)?.close()
      this.links.delete(node)
      this.addresses.delete(node)
    }
    for (const [node, address] of needed) {
      if (this.links.has(node)) continue
      this.addresses.set(node, address)
      this.links.set(node, this.open(address))
    }
    this.look()
  }

  /** To those of the members that are connected; gives which. One write to each log node. */
  send(members: readonly MemberId[], message: HeadMessage): readonly MemberId[] {
    const sent: MemberId[] = []
    for (const link of this.links.values()) {
      const there = members.filter((member) => this.connected.get(member) === link)
      if (there.length === 0) continue
      link.send(there, message)
      sent.push(...there)
    }
    return sent
  }

  /** Says nothing more to anybody, and hears nothing. */
  close(): void {
    this.place(new Map())
  }

  private open(address: LogNodeAddress): Link {
    const { volume, epoch, dial, clock, log, onMessage } = this.options
    const link: Link = new Link({
      volume,
      epoch,
      dial: () => dial(address),
      clock,
      log: log.child({ node: address.node }),
      onMessage: (member, message) => {
        if (this.connected.get(member) === link) onMessage(member, message)
      },
      onPresent: () => this.look(),
    })
    return link
  }

  private look(): void {
    const { onConnected, onLost } = this.options
    for (const [member, link] of [...this.connected]) {
      const node = this.places.get(member)?.node
      if (node !== undefined && this.links.get(node) === link && link.present.has(member)) continue
      this.connected.delete(member)
      onLost(member)
    }
    for (const [member, { node }] of this.places) {
      // None, while places change.
      const link = this.links.get(node)
      if (!link?.present.has(member) || this.connected.has(member)) continue
      this.connected.set(member, link)
      onConnected(member)
    }
  }
}
