/** What an agent and the head process of one of its instances say to each other. Normative prose: docs/protocol/head.md. */
import type { Configuration, Epoch, MemberId, Position } from '../quorum/messages.ts'
import type { TlsFiles } from '../agent/messages.ts'

/** Bumped when a message changes its meaning. An agent ends a head that speaks another version, and starts its own. */
export const HEAD_PROTOCOL_VERSION = 2

/** Where a member of the volume is. */
export interface MemberPlace {
  readonly member: MemberId
  /** Names the log node for life. */
  readonly node: string
  readonly host: string
  readonly port: number
}

/** What a head is started with. It has secrets: the file is for its account alone. */
export interface HeadSpec {
  readonly volume: string
  readonly epoch: Epoch
  readonly configuration: Configuration
  /** Of every member of the configuration. */
  readonly places: readonly MemberPlace[]
  /** By which log nodes know the head of this volume. */
  readonly tls: TlsFiles
  readonly writer: HeadWriter
  /** Where the epoch begins, once the writer has been promoted: a head that comes after that has to know. */
  readonly writerStart?: Position
}

/** The engine that is, or becomes, the writer: a PostgreSQL on this host. */
export interface HeadWriter {
  /** The folder of its Unix socket, and the port that is in the socket's name. */
  readonly socketFolder: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** By which `synchronous_standby_names` knows the head. */
  readonly name: string
}

/** Agent → head. Nothing is answered: what becomes of it is in the next status. All may be sent again. */
export type ToHead =
  /** This reader becomes the writer: it may have the log up to the recovered end. */
  | { readonly type: 'release'; readonly reader: string }
  /** The writer has been promoted: connect to it. */
  | { readonly type: 'attach' }
  | {
      readonly type: 'reconfigure'
      readonly configuration: Configuration
      readonly places: readonly MemberPlace[]
    }
  /** By which log nodes know it from now on, and it them. Connections that there are go on. */
  | { readonly type: 'certify'; readonly tls: TlsFiles }
  | { readonly type: 'shut-down' }

/** Head → agent: at once, and whenever something of it is another than before. */
export type FromHead = {
  readonly type: 'status'
  readonly protocol: number
  readonly version: string
  readonly pid: number
} & HeadStatus

export interface HeadStatus {
  readonly epoch: Epoch
  readonly phase: 'sealing' | 'recovering' | 'ready' | 'leading' | 'open' | 'fenced'
  /** Where the log ends that goes on in this epoch; from `ready` on. */
  readonly recoveredEnd: Position | undefined
  /** Of the newest configuration that it was told. */
  readonly generation: number
  /** Of the newest configuration that is in force as a whole. */
  readonly configured: number | undefined
  /** It reads the writer's log now. */
  readonly isAttached: boolean
  /** Of `fenced`: why. */
  readonly reason: string | undefined
  readonly members: readonly HeadMember[]
}

export interface HeadMember {
  readonly id: MemberId
  readonly isConnected: boolean
  /** It has all that comes, as it comes, or is a little behind. */
  readonly isCurrent: boolean
}
