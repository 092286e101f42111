/**
 * Names in an instance's archive. Everything that a reader has to know of a portion of the log is in its key:
 *
 *   <prefix>/log/<timeline>/<start>-<end>-<newest>    hexadecimal: 8, 16, 16 and 16 digits
 *   <prefix>/history/<timeline>                       the timeline's history file
 *   <prefix>/base/<id>/…                              base backups, see base-archive.ts
 *
 * `newest` is the newest time of a commit or abort that ends in the portion, in microseconds of Unix time; 0 for none.
 */
export interface LogPortion {
  readonly timeline: number
  readonly start: bigint
  /** First byte behind it. */
  readonly end: bigint
  readonly newestUs: number
}

const hex = (value: bigint | number, digits: number): string => value.toString(16).padStart(digits, '0')

export function logKey(prefix: string, { timeline, start, end, newestUs }: LogPortion): string {
  return `${prefix}/log/${hex(timeline, 8)}/${hex(start, 16)}-${hex(end, 16)}-${hex(newestUs, 16)}`
}

export const logPrefix = (prefix: string, timeline?: number): string =>
  timeline === undefined ? `${prefix}/log/` : `${prefix}/log/${hex(timeline, 8)}/`

export const historyKey = (prefix: string, timeline: number): string => `${prefix}/history/${hex(timeline, 8)}`
export const historyPrefix = (prefix: string): string => `${prefix}/history/`

/** Undefined for a key of something else. */
export function parseLogKey(key: string): LogPortion | undefined {
  const match = /\/log\/([0-9a-f]{8})\/([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{16})$/.exec(key)
  if (!match) return undefined
  return {
    timeline: Number.parseInt(match[1]!, 16),
    start: BigInt(`0x${match[2]}`),
    end: BigInt(`0x${match[3]}`),
    newestUs: Number.parseInt(match[4]!, 16),
  }
}

/** Undefined for a key of something else. */
export function parseHistoryKey(key: string): number | undefined {
  const match = /\/history\/([0-9a-f]{8})$/.exec(key)
  return match ? Number.parseInt(match[1]!, 16) : undefined
}
