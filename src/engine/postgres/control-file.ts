/**
 * `global/pg_control`, as far as a copy of a data folder needs it. Little-endian on every platform we run on.
 *
 *   0   system identifier   u64   which cluster this is; also in the first page of every WAL segment, at 24
 *   16  state               u32   1: shut down in order, 2: the same of a standby
 *   32  last checkpoint     u64   LSN of its record
 *   40  redo                u64   of that checkpoint: where applying the log begins
 *   48  timeline            u32   of that checkpoint
 *   180 max_connections, max_worker_processes, max_wal_senders, max_prepared_transactions,
 *       max_locks_per_transaction     u32 each: what the cluster that wrote the log ran with last
 *   n   CRC-32C of bytes 0 … n-1; n differs by major version and is found by trying
 */
// PostgreSQL source: src/include/catalog/pg_control.h, src/include/access/xlog_internal.h.
import { join } from 'node:path'
import { assert } from '#base/assert.ts'
import { MIB } from '#base/bytes.ts'
import type { Clock } from '#host/clock.ts'
import { namesIn, overwriteBytes, readBytes } from '#host/disk.ts'
import type { Random } from '#host/random.ts'
import { crc32c } from './crc32c.ts'

/** The part that is in use; written as one sector, so that a power failure cannot tear it. */
const USED_BYTES = 512
const CRC_OFFSET_MIN = 100
const STATE_SHUT_DOWN = 1
const STATE_SHUT_DOWN_IN_RECOVERY = 2
/** The same from major 12 to 18. */
const UPSTREAM_SETTINGS_OFFSET = 180
const UPSTREAM_SETTINGS = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
] as const

/** In the long header of a WAL segment's first page, behind the header that every page has. */
const SEGMENT_IDENTIFIER_OFFSET = 24
/** What initdb makes by default, and all our clusters have. */
export const SEGMENT_BYTES = 16 * MIB

export interface ControlFacts {
  readonly systemIdentifier: bigint
  readonly shutDown: boolean
  /** A standby that ended in order. */
  readonly isStoppedStandby: boolean
  /** Name of the WAL segment with the last checkpoint. */
  readonly checkpointSegment: string
  /** Of the last checkpoint: where its record begins, and on which timeline. */
  readonly checkpoint: bigint
  /** The oldest byte of the log that a start over these files needs. */
  readonly redo: bigint
  readonly timeline: number
  /**
   * What the cluster whose log this is ran with last, by setting. A standby that allows less does not start.
   * PostgreSQL 18 manual, 26.4.3 (administrator's overview of hot standby).
   */
  readonly upstreamSettings: Readonly<Record<string, number>>
}

/** Undefined when the checksum does not fit: torn, or not a control file. */
export async function readControlFile(dataFolder: string): Promise<ControlFacts | undefined> {
  const bytes = await controlBytes(dataFolder)
  if (crcOffset(bytes) === undefined) return undefined
  return {
    systemIdentifier: bytes.readBigUInt64LE(0),
    shutDown: bytes.readUInt32LE(16) === STATE_SHUT_DOWN,
    isStoppedStandby: bytes.readUInt32LE(16) === STATE_SHUT_DOWN_IN_RECOVERY,
    checkpointSegment: segmentName(bytes.readUInt32LE(48), bytes.readBigUInt64LE(32)),
    checkpoint: bytes.readBigUInt64LE(32),
    redo: bytes.readBigUInt64LE(40),
    timeline: bytes.readUInt32LE(48),
    upstreamSettings: Object.fromEntries(
      UPSTREAM_SETTINGS.map((name, index) => [name, bytes.readUInt32LE(UPSTREAM_SETTINGS_OFFSET + 4 * index)]),
    ),
  }
}

/** Makes a stopped copy a cluster of its own, so that its WAL can never be taken for that of the original. */
export async function giveIdentity(dataFolder: string, identifier: bigint): Promise<void> {
  const bytes = await controlBytes(dataFolder)
  const crcAt = crcOffset(bytes)
  assert(crcAt !== undefined, 'a complete copy has a sound pg_control')
  const id = Buffer.alloc(8)
  id.writeBigUInt64LE(identifier)
  const wal = join(dataFolder, 'pg_wal')
  for (const name of await namesIn(wal)) {
    if (isSegment(name)) await overwriteBytes(join(wal, name), SEGMENT_IDENTIFIER_OFFSET, id)
  }
  id.copy(bytes, 0)
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, crcAt)), crcAt)
  await overwriteBytes(controlPath(dataFolder), 0, bytes)
}

/** Seconds since the epoch and chance, much as initdb makes one. */
export function newIdentifier(clock: Clock, random: Random): bigint {
  return (BigInt(Math.floor(clock.now() / 1_000)) << 32n) | BigInt(random.bytes(4).readUInt32LE())
}

export function isSegment(name: string): boolean {
  return /^[0-9A-F]{24}$/.test(name)
}

/** Whether these names, all on one timeline, are every segment from the first to the last. */
export function isUnbroken(names: readonly string[], first: string, last: string): boolean {
  return names[0] === first && names.at(-1) === last && numberOf(last) - numberOf(first) === BigInt(names.length - 1)
}

function numberOf(name: string): bigint {
  return BigInt(`0x${name.slice(8, 16)}`) * BigInt(2 ** 32 / SEGMENT_BYTES) + BigInt(`0x${name.slice(16)}`)
}

/** The segment with the byte before this position. */
export function segmentOf(timeline: number, lsn: string): string {
  const [high = '0', low = '0'] = lsn.split('/')
  return segmentName(timeline, ((BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)) - 1n)
}

function segmentName(timeline: number, lsn: bigint): string {
  const hex = (value: bigint): string => value.toString(16).toUpperCase().padStart(8, '0')
  return hex(BigInt(timeline)) + hex(lsn >> 32n) + hex((lsn & 0xffffffffn) / BigInt(SEGMENT_BYTES))
}

function controlPath(dataFolder: string): string {
  return join(dataFolder, 'global', 'pg_control')
}

async function controlBytes(dataFolder: string): Promise<Buffer> {
  const bytes = await readBytes(controlPath(dataFolder), 0, USED_BYTES)
  assert(bytes?.length === USED_BYTES, 'a data folder has its pg_control')
  return bytes
}

function crcOffset(bytes: Buffer): number | undefined {
  for (let at = CRC_OFFSET_MIN; at <= USED_BYTES - 4; at += 4) {
    if (crc32c(bytes.subarray(0, at)) === bytes.readUInt32LE(at)) return at
  }
  return undefined
}
