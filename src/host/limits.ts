import { MIB, KIB } from '#base/bytes.ts'

/** Files of one tree that are copied or synced at once. More only queues in Node's four I/O threads. */
export const FILES_AT_ONCE = 16

/** How often a process that is no child of ours is looked at; its parent alone is told of its end. Milliseconds. */
export const FOREIGN_PROCESS_LOOK_MS = 200

/** Output kept of a command that runs to its end: enough for any message, and not the memory of a runaway one. */
export const COMMAND_OUTPUT_BYTES_MAX = 4 * MIB

/** Unit in which a sparse file is searched for holes. */
export const SPARSE_CHUNK_BYTES = 64 * KIB

/** Linux holds 107 bytes of path in a socket address, macOS 103. */
export const SOCKET_PATH_BYTES_MAX = 103

/** What is read of a large file at once. */
export const FILE_PORTION_BYTES = MIB

/** Times that a file is put into a folder that somebody else keeps removing. */
export const PLACE_TRIES_MAX = 5

/** Silence after which the other end of a client's connection is asked whether it is still there. Milliseconds. */
export const KEEP_ALIVE_MS = 60_000

/** The least that mkfs.xfs makes. */
export const VOLUME_BYTES_MIN = 300 * 1_024 * 1_024

/** What a full volume still has for its engine to come up and to be told: three segments of its log. */
export const BALLAST_BYTES = 48 * 1_024 * 1_024

/** How often a volume that is in use is tried to be taken down before it is merely hidden, and the pause between. */
export const UNMOUNT_TRIES_MAX = 50
export const UNMOUNT_PAUSE_MS = 100

/** Files of one member of a quorum log that stay open: the one that is written, and those that readers and repairs read. */
export const LOG_FILES_OPEN_MAX = 16

/** What is written at once of a file that is being filled with zeros: a sync of something else waits for no more. */
export const ZEROS_BYTES = 256 * KIB

/** Of what a door says about its shortcut: a token and a path. */
export const SHORTCUT_OFFER_BYTES_MAX = 512

/** Bytes on their way over a connection to a place that is far away, each way: 80 ms of 100 MB/s. */
export const FAR_BYTES_MAX = 8 * MIB

/** For so long who has synced waits for others that asked in the same turn. Milliseconds. */
export const TOGETHER_MS_MAX = 4

/** Messages that wait for a process that does not read them. One for whom more waits does not listen any more. */
export const UNREAD_BYTES_MAX = 32 * MIB
