import { KIB, MIB } from '#base/bytes.ts'

/** Bytes of the log in one message. Larger ones delay those behind them, and smaller ones cost more than they carry. */
export const PAYLOAD_BYTES_MAX = MIB

/** A history of the longest kind, or the largest payload, with everything around it. */
export const FRAME_BYTES_MAX = PAYLOAD_BYTES_MAX + 64 * KIB

/** What a stranger may say before it is known who that is. */
export const OPENING_BYTES_MAX = KIB

/** Epochs of one history, 12 bytes each: a writer that starts every hour has them after eight years. */
export const HISTORY_ENTRIES_MAX = 70_000

/** Members of one volume in one log node: two, while they change some more. */
export const MEMBERS_MAX = 16

/** Volumes and members are named by letters, digits, `_`, `-` and `.`, as many as a length in one byte can say. */
export const NAME_CHARS_MAX = 128

/** A reader's name, or why somebody is turned away. Bytes of UTF-8. */
export const TEXT_BYTES_MAX = 512
