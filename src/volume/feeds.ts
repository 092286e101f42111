/** What a log node gives to readers: the logs of all volumes that have a member on this host, on one port. */
// docs/protocol/quorum-log.md, The feed.
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import type { Random } from '#host/random.ts'
import type { TlsIdentity } from '#host/tls.ts'
import { ARCHIVER } from '#wire/quorum/archiver.ts'
import { UNHEARD_MS_MAX } from './limits.ts'
import { Feed, type Admission, type ReaderStatus } from './postgres/feed.ts'
import { VolumeSource } from './postgres/volume-source.ts'

export interface FeedsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** What readers are shown, now. Absent: TLS is not spoken; else nobody is let in without. */
  readonly tls?: () => TlsIdentity
}

/** Whose log it is, and who may read it. */
export interface FedVolume {
  /** PostgreSQL's system identifier. Decimal. */
  readonly systemId: string
  /** Of the password of its readers, as `trust` makes it. */
  readonly verifier: string
}

interface Entry {
  readonly source: VolumeSource
  verifier: string
  heardMs: number
}

export class Feeds {
  private readonly clock: Clock
  private readonly feed: Feed
  private readonly volumes = new Map<string, Entry>()

  constructor({ clock, random, log, tls }: FeedsOptions) {
    this.clock = clock
    const admit = (user: string, reader: string): Admission | 'later' | undefined => this.admit(user, reader)
    this.feed = new Feed({ clock, random, log, admit, ...(tls && { tls }) })
  }

  /** Readers of the volume are let in, once it has a member here. Again: with another password. */
  open(volume: string, { systemId, verifier }: FedVolume): VolumeSource {
    const entry = this.volumes.get(volume)
    if (entry?.source.systemId === systemId) {
      entry.verifier = verifier
      return entry.source
    }
    this.drop(volume)
    const source = new VolumeSource(systemId)
    this.volumes.set(volume, { source, verifier, heardMs: this.clock.monotonic() })
    return source
  }

  /** Nobody reads it here any more. */
  drop(volume: string): void {
    const entry = this.volumes.get(volume)
    this.volumes.delete(volume)
    if (entry) this.feed.dismiss(entry.source)
  }

  /** A head has spoken to a member of the volume. */
  heard(volume: string): void {
    const entry = this.volumes.get(volume)
    if (entry) entry.heardMs = this.clock.monotonic()
  }

  /** Sends readers of volumes of which no head was heard for long to where one may be heard. To be called now and then. */
  look(): void {
    for (const entry of this.volumes.values()) if (!this.isCurrent(entry)) this.feed.dismiss(entry.source)
  }

  /** Takes a connection, and ends it. */
  accept(connection: Socket): void {
    this.feed.accept(connection)
  }

  /** Those that read the volume here now. */
  readers(volume: string): readonly ReaderStatus[] {
    return this.feed.readers().filter(({ user }) => user === volume)
  }

  /** Ends all connections. */
  close(): void {
    this.feed.close()
  }

  private admit(user: string, reader: string): Admission | 'later' | undefined {
    const entry = this.volumes.get(user)
    if (!entry || entry.source.isEmpty) return entry && 'later'
    const admission = { verifier: entry.verifier, source: entry.source }
    // What is durable is archived also when nobody writes any more.
    if (reader === ARCHIVER) return { ...admission, isLed: () => this.isCurrent(entry) }
    return this.isCurrent(entry) ? admission : 'later'
  }

  private isCurrent({ source, heardMs }: Entry): boolean {
    return !source.isEmpty && this.clock.monotonic() - heardMs <= UNHEARD_MS_MAX
  }
}
