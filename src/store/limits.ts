/** Limits of the embedded stores. etcd's own defaults are in the same order. */
import { GIB, MIB } from '#base/bytes.ts'

/** Characters. Keys are made of account, region, kind and an identifier of at most 255. */
export const KEY_LENGTH_MAX = 1_024

/** Characters. The largest document is a parameter group with every parameter set: some 100 KiB. */
export const VALUE_LENGTH_MAX = 4 * MIB

/** Operations in one commit. A user's action touches a handful of keys; whole accounts go by `delete-prefix`. */
export const OPS_MAX = 1_000

/** Changes kept for watchers that start in the past: a listing and its watch are milliseconds apart. */
export const HISTORY_CHANGES_MAX = 10_000

/** Characters of values that the kept changes may hold in memory. */
export const HISTORY_LENGTH_MAX = 16 * MIB

/** Size of the state file. A thousand instances need some 20 MiB; this is a runaway, not a state. */
export const FILE_BYTES_MAX = 8 * GIB
