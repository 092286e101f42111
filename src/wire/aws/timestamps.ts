/** Timestamps as clients send them. Every reader takes all forms; each protocol's writer has its own. */
import { Malformed } from './malformed.ts'

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/

/** ISO 8601 (without a zone: UTC), an HTTP date, or seconds since the epoch. */
export function readTimestampText(text: string, path: string): Date {
  if (/^-?\d+(\.\d+)?$/.test(text)) return readTimestampSeconds(Number(text), path)
  const iso = ISO.exec(text)
  const zoned = iso && iso[1] && !iso[4] ? `${text}Z` : text
  const date = iso || HTTP_DATE.test(text) ? new Date(zoned) : undefined
  if (!date || Number.isNaN(date.getTime())) throw new Malformed(path, text, 'a timestamp')
  return date
}

/** Rounded to milliseconds, which is all that a Date holds. */
export function readTimestampSeconds(seconds: number, path: string): Date {
  const date = new Date(Math.round(seconds * 1_000))
  if (Number.isNaN(date.getTime())) throw new Malformed(path, seconds, 'a timestamp')
  return date
}
