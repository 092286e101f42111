import { MIB } from '#base/bytes.ts'

/** Content of one piece before compression: what a reader holds in memory to verify it. */
export const PIECE_BYTES_MAX = 64 * MIB

/** Facts beside the content of a piece. */
export const PIECE_FACTS_BYTES_MAX = MIB

/** Level of Zstandard: as fast as the log of a busy engine comes in, at about a quarter of its size. */
export const COMPRESSION_LEVEL = 1

/** A part of a multipart upload; S3 takes none below 5 MiB but the last, and 10,000 in all. */
export const UPLOAD_PART_BYTES = 16 * MIB
export const UPLOAD_PARTS_MAX = 10_000

/** S3 deletes this many objects in one request. */
export const DELETE_KEYS_MAX = 1_000

/** Times that a request to S3 is tried; the SDK waits longer before each. */
export const S3_ATTEMPTS_MAX = 5

/** A store that does not answer a connection or a request for this long is down. */
export const S3_CONNECT_MS_MAX = 5_000
export const S3_REQUEST_MS_MAX = 60_000

/** Content of one piece of a base backup. */
export const BASE_PIECE_BYTES = 16 * MIB

/** Pieces that are read and verified at once for a restore, each in memory. */
export const PIECES_AT_ONCE = 4
