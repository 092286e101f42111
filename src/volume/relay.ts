/**
 * The head of a volume that has no writer, because it is a copy of another volume: it alone appends to the volume's log, and
 * only what it reads of the other's, in the other's epochs. docs/protocol/quorum-log.md, Relays.
 */
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Duplex } from '#host/far-socket.ts'
import type { Socket } from '#host/net.ts'
import type { Random } from '#host/random.ts'
import type { ObservedRelay, RelayTerms } from '#wire/lognode/messages.ts'
import type { Position } from '#wire/quorum/messages.ts'
import { HeadLinks, placesByMember, type LogNodeAddress } from './head-links.ts'
import { Head } from './head.ts'
import { Horizons } from './horizons.ts'
import { RELAY_AGAIN_MS, SOURCE_SILENCE_MS } from './limits.ts'
import { DIVERGED, RULES } from './ports.ts'
import { RelaySource } from './postgres/relay-source.ts'
import { quorumValue } from './quorum.ts'
import { RelayLag } from './relay-lag.ts'

export interface RelayOptions {
  /** A connection to this log node, known by the certificate of the volume's heads. */
  readonly dial: (node: LogNodeAddress) => Promise<Socket>
  /** What is between here and the source, where that takes time. */
  readonly away: (socket: Socket) => Duplex
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** From the beginning of a head to its end. */
interface Life {
  readonly head: Head
  readonly links: HeadLinks
  readonly source: RelaySource
  readonly horizons: Horizons
}

export class Relay {
  readonly terms: RelayTerms
  private readonly options: RelayOptions
  private readonly lag = new RelayLag()
  private life: Life | undefined
  private ended: Pick<ObservedRelay, 'phase' | 'reason'> | undefined
  private recoveredEnd: Position | undefined
  private isConnected = false
  private timer: Timer | undefined

  /** Begins at once. */
  constructor(terms: RelayTerms, options: RelayOptions) {
    this.terms = terms
    this.options = options
    this.begin()
  }

  observed(): ObservedRelay {
    const { terms, lag, life, ended, recoveredEnd, isConnected } = this
    const nowMs = this.options.clock.now()
    const lagMs = lag.lagMs(nowMs, SOURCE_SILENCE_MS)
    const head = life?.head
    const xmin = life?.horizons.told.xmin
    const ends = new Map(head?.members.map(({ id, acknowledged }) => [id, acknowledged]))
    return {
      volume: terms.volume,
      epoch: terms.epoch,
      phase: head?.phase === 'open' ? 'following' : 'sealing',
      ...ended,
      ...(recoveredEnd !== undefined && { recoveredEnd }),
      copied: Math.max(
        0,
        quorumValue(terms.configuration, RULES.write, (id) => ends.get(id) ?? 0),
      ),
      durable: head?.durable ?? 0,
      ...(lag.sourceEnd !== undefined && { sourceEnd: lag.sourceEnd }),
      ...(lag.asOfMs !== undefined && { asOfMs: lag.asOfMs }),
      ...(lagMs !== undefined && { lagMs }),
      ...(xmin && { xmin: String(xmin) }),
      isConnected,
    }
  }

  close(): void {
    this.timer?.cancel()
    this.end()
  }

  private begin(): void {
    const { clock, dial, log } = this.options
    const { volume, epoch, configuration, places, release } = this.terms
    this.ended = undefined
    const source = this.newSource()
    const head: Head = new Head(
      {
        clock,
        send: (members, message) => void links.send(members, message),
        recovered: ({ end, history }) => {
          this.recoveredEnd = end
          if (release !== undefined) head.release(release)
          // Its readers are served whether or not the source can be heard.
          head.follow(history)
          source.start()
        },
        durable: (position) => {
          this.lag.reached(position, clock.now())
          source.confirm(position)
        },
        opened: () => {},
        configured: () => {},
        fenced: (reason) => this.over(reason),
        flow: (isOpen) => source.flow(isOpen),
      },
      { epoch, configuration },
    )
    const horizons = new Horizons(epoch, (horizon) => source.need(horizon))
    const links: HeadLinks = new HeadLinks({
      volume,
      epoch,
      dial,
      clock,
      log,
      onMessage: (member, message) => {
        head.received(member, message)
        horizons.heard(member, message)
      },
      onConnected: (member) => head.connected(member),
      onLost: (member) => {
        head.disconnected(member)
        horizons.lost(member)
      },
    })
    this.life = { head, links, source, horizons }
    links.place(placesByMember(places))
  }

  private newSource(): RelaySource {
    const { away, clock, random, log } = this.options
    const { systemId, begin, source } = this.terms
    return new RelaySource(
      { ...source, systemId, begin, away, clock, random },
      {
        follows: (history) => {
          this.isConnected = true
          return this.life?.head.follow(history)
        },
        data: (position, bytes, boundary) => this.life?.head.append(position, bytes, boundary),
        heard: (end, atMs) => this.lag.heard(end, atMs, clock.now()),
        lost: (error) => {
          if (this.isConnected) log.info({ error, source: source.volume }, 'the log of the source is not read')
          this.isConnected = false
        },
      },
    )
  }

  private over(reason: string): void {
    const phase = reason === DIVERGED ? 'diverged' : 'fenced'
    this.options.log.warn({ volume: this.terms.volume, reason }, 'a relay has ended')
    this.ended = { phase, reason }
    this.end()
    // What is durable in two logs and differs stays so.
    if (phase === 'fenced') this.timer = this.options.clock.after(RELAY_AGAIN_MS, () => this.begin())
  }

  private end(): void {
    const { life } = this
    this.life = undefined
    this.isConnected = false
    life?.source.close()
    life?.head.stop()
    life?.links.close()
  }
}
