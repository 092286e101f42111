import { KIB, MIB } from '#base/bytes.ts'

/** A log portion of 1 MiB can grow sixfold as JSON; nothing else comes near it. */
export const FRAME_BYTES_MAX = 8 * MIB

/** What a peer that has not shown its token yet may send. A hello lists its instances, a few hundred bytes each. */
export const HELLO_BYTES_MAX = 4 * MIB

/** Most of a log file that one question may ask for. */
export const LOG_PORTION_BYTES_MAX = 1_024 * KIB
