/** A head with its connections: to the log nodes of its volume, and to the writer on its host. */
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import type { Random } from '#host/random.ts'
import type { HeadSpec, HeadStatus, ToHead } from '#wire/head/messages.ts'
import type { Position } from '#wire/quorum/messages.ts'
import { segmentEnd } from '#wire/pg/lsn.ts'
import { HeadLinks, placesByMember, type LogNodeAddress } from './head-links.ts'
import { Head } from './head.ts'
import { Horizons } from './horizons.ts'
import { Upstream } from './postgres/upstream.ts'

export interface HeadProcessOptions {
  /** A connection to this log node, who is known to be it. Rejects when that cannot be had. */
  readonly dial: (node: LogNodeAddress) => Promise<Socket>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Calls it when everything that has come in was looked at. */
  readonly defer: (run: () => void) => void
  /** The status is another one. Many changes at once are told once. */
  readonly changed: () => void
  /** The writer must end, and this process with it. Once. */
  readonly fenced: (reason: string) => void
}

export class HeadProcess {
  private readonly spec: HeadSpec
  private readonly options: HeadProcessOptions
  private readonly head: Head
  private readonly links: HeadLinks
  private readonly upstream: Upstream
  private recoveredEnd: Position | undefined
  /** Of the newest configuration that it was told. */
  private generation: number
  private configured: number | undefined
  private reason: string | undefined
  private isAttached = false
  private hasStarted = false
  private isTelling = false

  constructor(spec: HeadSpec, options: HeadProcessOptions) {
    this.spec = spec
    this.options = options
    const { volume, epoch, configuration } = spec
    this.generation = configuration.generation
    const { dial, clock, log } = options
    this.upstream = this.newUpstream()
    const horizons = new Horizons(epoch, (horizon) => this.upstream.need(horizon))
    this.links = new HeadLinks({
      volume,
      epoch,
      dial,
      clock,
      log,
      onMessage: (member, message) => {
        this.head.received(member, message)
        horizons.heard(member, message)
      },
      onConnected: (member) => this.about(() => this.head.connected(member)),
      onLost: (member) => {
        horizons.lost(member)
        this.about(() => this.head.disconnected(member))
      },
    })
    this.head = this.newHead()
  }

  /** Begins to seal. */
  start(): void {
    this.links.place(placesByMember(this.spec.places))
  }

  status(): HeadStatus {
    const { head, recoveredEnd, configured, isAttached, reason } = this
    const members = head.members.map(({ id, isConnected, isAdopted, repair }) => ({
      id,
      isConnected,
      isCurrent: isConnected && isAdopted && repair === undefined,
    }))
    const { generation } = this
    return { epoch: head.epoch, phase: head.phase, generation, recoveredEnd, configured, isAttached, reason, members }
  }

  release(reader: string): void {
    this.head.release(reader)
  }

  /** Reads the writer's log from now on. The log must be recovered. */
  attach(): void {
    if (this.hasStarted || this.recoveredEnd === undefined) return
    this.hasStarted = true
    this.upstream.start()
  }

  reconfigure({ configuration, places }: Extract<ToHead, { type: 'reconfigure' }>): void {
    this.head.reconfigure(configuration)
    this.generation = Math.max(this.generation, configuration.generation)
    this.links.place(placesByMember(places))
    this.tell()
  }

  close(): void {
    this.head.stop()
    this.upstream.close()
    this.links.close()
  }

  private newHead(): Head {
    const { clock } = this.options
    const { epoch, configuration, writerStart } = this.spec
    return new Head(
      {
        clock,
        send: (members, message) => void this.links.send(members, message),
        recovered: ({ end }) => this.about(() => (this.recoveredEnd = end)),
        durable: (position) => this.upstream.confirm(position),
        opened: () => this.tell(),
        configured: (generation) => this.about(() => (this.configured = generation)),
        fenced: (reason) => this.fenced(reason),
        flow: (isOpen) => this.upstream.flow(isOpen),
      },
      { epoch, configuration, paddedEnd: segmentEnd, ...(writerStart !== undefined && { writerStart }) },
    )
  }

  private newUpstream(): Upstream {
    const { socketFolder, port, user, password, name } = this.spec.writer
    const { clock, random } = this.options
    return new Upstream(
      {
        address: { path: `${socketFolder}/.s.PGSQL.${port}` },
        user,
        password,
        name,
        epoch: this.spec.epoch,
        clock,
        random,
      },
      {
        epochStarts: (position) => this.head.epochStarts(position),
        data: (position, bytes, boundary) => this.head.append(position, bytes, boundary),
        attached: () => this.about(() => (this.isAttached = true)),
        lost: (error) => {
          if (this.isAttached) this.options.log.info({ error }, `the writer's log is not read: ${messageOf(error)}`)
          this.about(() => (this.isAttached = false))
        },
      },
    )
  }

  private fenced(reason: string): void {
    this.reason = reason
    this.upstream.close()
    this.links.close()
    this.tell()
    this.options.fenced(reason)
  }

  private about(change: () => void): void {
    change()
    this.tell()
  }

  private tell(): void {
    if (this.isTelling) return
    this.isTelling = true
    this.options.defer(() => {
      this.isTelling = false
      this.options.changed()
    })
  }
}
