/**
 * The row of a cluster volume: who may write it, and who has its copies. All that fencing needs of the store is that this
 * one key changes by compare-and-set; the log nodes do the rest (docs/protocol/quorum-log.md).
 */
import { Collection } from '#store/collection.ts'
import type { SeedFacts } from '#wire/agent/volume.ts'
import type { Epoch, MemberId, Position } from '#wire/quorum/messages.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import type { ClusterKey, EndpointCertificate } from '../db-instance/record.ts'

/** One of the six copies, and the zone whose log node has it. */
export interface PlacedMember {
  readonly id: MemberId
  readonly zone: string
}

export interface VolumeConfiguration {
  /** Rises with every change, so that nobody takes an older one for a newer. */
  readonly generation: number
  readonly members: readonly PlacedMember[]
  /** While a copy is replaced: the six that will be. Every quorum is then one of both. */
  readonly joint?: readonly PlacedMember[]
  /** The highest number that a copy's name has had in any zone: names are never used again. */
  readonly lastNumber: number
}

/** The image that the first copies of the log, and engines, are made from. */
export interface Seed extends SeedFacts {
  /** Among snapshots. */
  readonly imageId: string
}

/** Who brings the log of the volume that this one is a copy of. */
export interface RelayRecord {
  /** The cluster, and with it the volume, whose log it is. */
  readonly source: ClusterKey
  /** Whose log node runs the relay, in the name of this epoch of the volume. */
  readonly zone: string
  readonly epoch: Epoch
  /** The relay of that volume may have all that is here when the epoch begins, whether or not it is durable. */
  readonly release?: string
}

/** Another volume, which this one is to begin with what it has. */
export interface BranchRecord {
  readonly source: ClusterKey
  /** With an image of it; otherwise with what the archive has. */
  readonly isShared: boolean
  /** Up to where, once that is known. */
  readonly mark?: BranchMark
}

/** Everything that was acknowledged before the branch was asked for lies before it. */
export interface BranchMark {
  /** Of the source. Where another has begun since, the position may be none any more. */
  readonly epoch: Epoch
  /** `archived`: nobody writes, and the archive has everything. */
  readonly until: Position | 'archived'
}

export interface VolumeRecord {
  /** The resource id of the cluster that it was made for; of one that was made for a backtrack an id of its own. */
  readonly id: string
  /** What it begins with; undefined until that is made. */
  readonly seed: Seed | undefined
  /** Of its heads. Undefined until it is issued; the key is sealed under their name. */
  readonly headCertificate: EndpointCertificate | undefined
  /** The last epoch that anybody took. What the seed image was made in is the first. */
  readonly epoch: Epoch
  /** Resource id of the instance that the epoch was taken for; undefined: for nobody, the volume is at rest. */
  readonly writer: string | undefined
  readonly configuration: VolumeConfiguration
  /** Until it has begun. The source stays as long. */
  readonly branch?: BranchRecord
  /** Nobody writes the volume while it is a copy of another. */
  readonly relay?: RelayRecord
  /** Of before the copies were made anew: to be taken away. */
  readonly formerMembers?: readonly PlacedMember[]
  /** Zones whose log nodes may have a relay of it that is over. */
  readonly relaysToEnd?: readonly string[]
  /** Volumes that the cluster had before, of which hosts and log nodes still have something: to be taken away. */
  readonly former?: readonly VolumeRecord[]
}

/** The image that a volume begins with, among snapshots. */
export const seedImageOf = ({ id }: Pick<VolumeRecord, 'id'>): string => `${id}-seed`

/** By the resource id of their cluster. */
export const volumes = (control: Pick<Control, 'store'>, scope: Scope): Collection<VolumeRecord> =>
  new Collection(control.store, prefixOf(scope, 'volume'))
