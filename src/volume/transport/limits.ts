import { MIB } from '#base/bytes.ts'
import { SECOND_MS } from '#base/durations.ts'

/** Connections of heads and peers to one log node, those that have not said yet who they are included. */
export const SESSIONS_MAX = 4_000

/** Time for a caller to say who it is, after a handshake that may take as long. */
export const OPENING_MS_MAX = 10 * SECOND_MS

/** Time for a log node to accept a connection, and for each step of the opening. */
export const DIAL_MS_MAX = 5 * SECOND_MS

/** Unsent bytes after which a connection is given up: the other side does not read, and is repaired when it does again. */
export const UNSENT_BYTES_MAX = 64 * MIB

/** Pauses before a log node is dialled again; the last one is kept for ever. */
export const REDIAL_PAUSES_MS = [10, 20, 50, 100, 250, 500] as const

/** How often a head looks whether its log nodes answer. */
export const LINK_LOOK_MS = SECOND_MS

/** Looks in a row at which a ping was owed an answer. Looks, not time: on a machine that stalls nobody answers. */
export const SILENT_LOOKS_MAX = 5

/** Time for a peer to answer one question. Its disk is busy with appends too. */
export const ANSWER_MS_MAX = 10 * SECOND_MS

/** A connection to a peer ends when nothing was asked for so long. */
export const PEER_IDLE_MS = 10 * SECOND_MS
