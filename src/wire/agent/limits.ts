import { MIB } from '#base/bytes.ts'

/** A log portion of 1 MiB can grow sixfold as JSON; nothing else comes near it. */
export const FRAME_BYTES_MAX = 8 * MIB

/** Most of a log file that one question may ask for. */
export const LOG_PORTION_BYTES_MAX = MIB
