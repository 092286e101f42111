/** What a connection begins with, and what a log node says about itself on it. Normative: docs/protocol/quorum-log.md. */
import type { Epoch, HeadMessage, MemberId, MemberMessage, PeerMessage } from './messages.ts'

/** Bumped when a message changes its meaning. Heads and log nodes of different versions do not talk. */
export const QUORUM_PROTOCOL_VERSION = 2

/** The first message of whoever dials. */
export interface Hello {
  readonly type: 'hello'
  readonly protocol: number
  /** Everything on this connection is about this volume. */
  readonly volume: string
  readonly who: Caller
}

/** A head speaks for one epoch; a member reads from others of its volume. */
export type Caller =
  | { readonly role: 'head'; readonly epoch: Epoch }
  | { readonly role: 'peer'; readonly member: MemberId }

/** Of the log node: come in. The frame names the members of the volume that are here. */
export interface Welcome {
  readonly type: 'welcome'
}

/** Of the log node: no. It hangs up. */
export interface TurnedAway {
  readonly type: 'turned-away'
  readonly reason: string
}

/** Of the log node: the members of the volume that are here are others now, those that the frame names. */
export interface Present {
  readonly type: 'present'
}

export type OpeningMessage = Hello | Welcome | TurnedAway | Present

export type WireMessage = OpeningMessage | HeadMessage | MemberMessage | PeerMessage

/**
 * One message with the members that it is about. Of a head: to whom it goes. Of a log node: who says it. Between peers:
 * who is read from.
 */
export interface Frame {
  readonly members: readonly MemberId[]
  readonly message: WireMessage
}
