/** Paging by Marker and MaxRecords, as all lists of RDS, ElastiCache and MemoryDB's older actions do it. */
import { AwsFault } from '#wire/aws/faults.ts'

export interface PageLimits {
  readonly min: number
  readonly max: number
  readonly default: number
}

/** AWS: RDS API reference, "MaxRecords" of nearly every Describe action. */
export const PAGE_LIMITS: PageLimits = { min: 20, max: 100, default: 100 }

export interface PageRequest<T> {
  readonly Marker?: string | undefined
  readonly MaxRecords?: number | undefined
  /** Unique among the items; the list is given out in its order. */
  readonly keyOf: (item: T) => string
  readonly limits?: PageLimits
}

export interface Page<T> {
  readonly items: T[]
  /** There when more items follow. */
  readonly Marker?: string
}

/**
 * The part of a list that the request asks for. A marker names the last key that was given out, so items that are
 * created or deleted between two pages neither repeat nor hide others. Throws InvalidParameterValue for a marker that
 * was not made here and for a MaxRecords outside the limits.
 */
export function page<T>(items: readonly T[], request: PageRequest<T>): Page<T> {
  const { keyOf, limits = PAGE_LIMITS } = request
  const count = countOf(request.MaxRecords, limits)
  const after = request.Marker ? readMarker(request.Marker) : undefined
  const rest = items
    .map((item) => ({ key: keyOf(item), item }))
    .filter(({ key }) => after === undefined || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const given = rest.slice(0, count)
  const last = given.at(-1)
  return {
    items: given.map(({ item }) => item),
    ...(last && rest.length > given.length ? { Marker: writeMarker(last.key) } : {}),
  }
}

/** Wording as RDS answers it. */
function countOf(maxRecords: number | undefined, { min, max, default: fallback }: PageLimits): number {
  if (maxRecords === undefined) return fallback
  if (Number.isInteger(maxRecords) && maxRecords >= min && maxRecords <= max) return maxRecords
  throw new AwsFault(
    'InvalidParameterValue',
    `Invalid value ${maxRecords} for MaxRecords. Must be between ${min} and ${max}`,
  )
}

/** Tells a marker from any other base64. */
const MARKER_START = 'after:'

function writeMarker(key: string): string {
  return Buffer.from(MARKER_START + key, 'utf8').toString('base64')
}

/** The key after which a page goes on, for lists that are too long to make whole. Throws InvalidParameterValue. */
export function readMarker(marker: string): string {
  const text = Buffer.from(marker, 'base64').toString('utf8')
  const key = text.slice(MARKER_START.length)
  // Node skips what is not base64, so only a marker that is made again the same was made here.
  if (text.startsWith(MARKER_START) && writeMarker(key) === marker) return key
  throw new AwsFault('InvalidParameterValue', `Invalid value ${marker} for Marker.`)
}
