/**
 * What a host's agent and its log node say to each other: one JSON document a line over one stream that the agent opens.
 * Normative prose: docs/protocol/lognode.md.
 */
import type { TlsFiles } from '../agent/messages.ts'
import type { Configuration, Epoch, History, MemberId, Position } from '../quorum/messages.ts'

/** Bumped when a message changes its meaning. An agent asks a log node that speaks another version to end. */
export const LOGNODE_PROTOCOL_VERSION = 2

export interface NetworkAddress {
  readonly host: string
  readonly port: number
}

/** How others reach the log node. */
export interface LogNodeTerms {
  /** Names it for life: its certificate is made out to `logNodeName(node)`. */
  readonly node: string
  /** Where heads and peers come in. */
  readonly door: NetworkAddress
  /** Where readers come in, as PostgreSQL's walreceivers do. */
  readonly feed: NetworkAddress
  /** For dialling too. */
  readonly certificate: TlsFiles
}

/** What a log node has to know of a volume besides its members. */
export interface VolumeTerms {
  readonly volume: string
  /** Where its members are, those that are here included: they may have to ask each other. */
  readonly places: readonly MemberPlace[]
  /** How readers come in, who give the volume as their user. Absent: none does. */
  readonly readers?: ReaderTerms
}

/** A member, and the log node that has it. */
export interface MemberPlace extends NetworkAddress {
  readonly member: MemberId
  readonly node: string
}

export interface ReaderTerms {
  /** Of their password: `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`. */
  readonly verifier: string
  /** PostgreSQL's system identifier of the volume. Decimal. */
  readonly systemId: string
}

/** A relay: the head of a volume without a writer, which brings the log of another volume. */
export interface RelayTerms {
  readonly volume: string
  /** In whose name it speaks to the volume's members. Taken of the volume's row: no writer or relay has the same. */
  readonly epoch: Epoch
  readonly configuration: Configuration
  readonly places: readonly MemberPlace[]
  /** By which log nodes know the head of this volume. */
  readonly tls: TlsFiles
  /** PostgreSQL's, of both volumes. Decimal. */
  readonly systemId: string
  /** Where both logs begin. */
  readonly begin: Position
  readonly source: RelaySourceTerms
  /** A reader that may have all of the log that the members have, as far as the next one of an epoch may. */
  readonly release?: string
}

/** The volume whose log is brought. */
export interface RelaySourceTerms {
  readonly volume: string
  readonly feeds: readonly NetworkAddress[]
  /** By which its feeds let readers in. */
  readonly password: string
  readonly caPem: string
  /** Under which its feeds know the relay. */
  readonly name: string
  /** How much longer a byte takes from there, each way. */
  readonly delayMs: number
}

/** What becomes of a relay. Facts, never intent. */
export interface ObservedRelay {
  readonly volume: string
  readonly epoch: Epoch
  /**
   * `following`: readers of the volume are shown what is durable, and what the source has is added as it comes. `fenced`:
   * another epoch has begun, or enough members are not heard; it tries again. `diverged`: what is durable here is not in the
   * source's log, and never will be.
   */
  readonly phase: 'sealing' | 'following' | 'fenced' | 'diverged'
  readonly reason?: string
  /** Where the log ended when the relay began; four members have all of it. */
  readonly recoveredEnd?: Position
  /** Four members have everything before it, */
  readonly copied: Position
  /** and readers may see everything before this. */
  readonly durable: Position
  /** Where the source's durable log ended by its last word; absent: it has said nothing yet. */
  readonly sourceEnd?: Position
  /** Everything that was durable at the source at this wall time is durable here. */
  readonly asOfMs?: number
  /** How long it took the last time until what was durable there was durable here; longer where something waits for longer. */
  readonly lagMs?: number
  /** The oldest transaction whose rows the copy's readers need. Decimal, with the epoch above 32 bits; absent: none. */
  readonly xmin?: string
  /** It reads the source's log now. */
  readonly isConnected: boolean
}

/** A member that is to be made. */
export interface MemberOrder {
  readonly volume: string
  readonly member: MemberId
  /** Where its log begins. */
  readonly start: Position
  /** Empty: of a member that comes in the place of another, and gets the log from its peers. */
  readonly history: History
  /** File with the bytes that the log begins with, all of the history's first epoch. Absent: none. */
  readonly seedPath?: string
}

/** What becomes of a member now. Facts, never intent. */
export type ObservedMember = {
  readonly volume: string
  readonly member: MemberId
} & (
  | { readonly state: 'creating' }
  | {
      readonly state: 'open'
      readonly promised: Epoch
      readonly history: History
      /** The oldest byte that is here, and the end of what is on the disk. */
      readonly first: Position
      readonly end: Position
      readonly durable: Position
    }
  /** It is a member no more, and will not be one again. */
  | { readonly state: 'failed'; readonly reason: string }
)

/** Whether others can come in. */
export interface ObservedDoors {
  /** Undefined: nobody has said yet where. */
  readonly node: string | undefined
  readonly listening: boolean
  /** Why it does not listen, or not everywhere. */
  readonly problem: string | undefined
}

/** A reader that is connected. */
export interface ObservedReader {
  readonly volume: string
  readonly reader: string
  /** Undefined: it does not stream now. */
  readonly timeline: Epoch | undefined
  readonly sent: Position | undefined
  readonly flushed: Position
  readonly applied: Position
  /** The oldest transaction whose rows its queries need, with the epoch of the number; 0: none. Decimal. */
  readonly xmin: string
}

/** What a log node says of itself. */
export interface ObservedLogNode {
  readonly pid: number
  readonly doors: ObservedDoors
  readonly members: readonly ObservedMember[]
  readonly readers: readonly ObservedReader[]
  readonly relays: readonly ObservedRelay[]
}

/** What serve asks of a host's log node, through the host's agent. All may be asked twice. */
export interface LogNodeQuestions {
  'lognode.configure': { input: LogNodeTerms; answer: Record<never, never> }
  'lognode.volume': { input: VolumeTerms; answer: Record<never, never> }
  'lognode.create': { input: NewMember; answer: Record<never, never> }
  'lognode.remove': { input: { readonly volume: string; readonly member: MemberId }; answer: Record<never, never> }
  'lognode.prune': { input: { readonly volume: string; readonly before: Position }; answer: Record<never, never> }
  'lognode.relay': { input: RelayTerms; answer: Record<never, never> }
  'lognode.end-relay': { input: { readonly volume: string }; answer: Record<never, never> }
  /** Of one volume alone, where it is named. Starts the log node where none runs. `observed` is absent while it is not connected. */
  'lognode.look': { input: { readonly volume?: string }; answer: { readonly observed?: ObservedLogNode } }
}

export type NewMember = { readonly volume: string; readonly member: MemberId } & (
  | {
      /** The snapshot that the volume begins with. Its log is what the member's log begins with. */
      readonly seed: string
    }
  | {
      /** Of a member that comes in the place of another: from where on its peers still have the log. */
      readonly start: Position
    }
)

/** Log node → agent. */
export type FromLogNode =
  | {
      readonly type: 'hello'
      readonly protocol: number
      readonly version: string
      readonly pid: number
      readonly doors: ObservedDoors
      readonly members: readonly ObservedMember[]
    }
  | { readonly type: 'reply'; readonly to: number }
  | { readonly type: 'refusal'; readonly to: number; readonly message: string }
  | { readonly type: 'doors'; readonly doors: ObservedDoors }
  | { readonly type: 'member'; readonly member: ObservedMember }
  | { readonly type: 'gone'; readonly volume: string; readonly member: MemberId }
  | { readonly type: 'readers'; readonly readers: readonly ObservedReader[] }
  | { readonly type: 'relays'; readonly relays: readonly ObservedRelay[] }

/** Agent → log node. Requests carry a `seq` that the reply names in `to`. */
export type ToLogNode =
  /** Kept when the reply comes. The doors open as soon as they can. */
  | { readonly type: 'configure'; readonly seq: number; readonly terms: LogNodeTerms }
  /** Kept and in force when the reply comes. Whole, in the place of what was said before. */
  | { readonly type: 'volume'; readonly seq: number; readonly terms: VolumeTerms }
  /** Its log is on the disk and it can be spoken to when the reply comes. One that is there already: nothing. */
  | { readonly type: 'create'; readonly seq: number; readonly order: MemberOrder }
  /** It and its log are gone when the reply comes. No such member: nothing. */
  | { readonly type: 'remove'; readonly seq: number; readonly volume: string; readonly member: MemberId }
  /** Nobody needs bytes before that of this volume any more. Begun when the reply comes. */
  | { readonly type: 'prune'; readonly seq: number; readonly volume: string; readonly before: Position }
  /** Is anybody there? */
  | { readonly type: 'ping'; readonly seq: number }
  /** Kept and begun when the reply comes. In the place of one of an earlier epoch; the same again: nothing. */
  | { readonly type: 'relay'; readonly seq: number; readonly terms: RelayTerms }
  /** The volume has no relay here any more when the reply comes. */
  | { readonly type: 'end-relay'; readonly seq: number; readonly volume: string }
  /** End this process. Members are kept for the next one. */
  | { readonly type: 'shut-down' }
