/** What CloudWatch makes of points: statistics over periods. Pure. */
import type { Point } from './metrics.ts'

const SIMPLE = {
  SampleCount: (points: readonly Point[]) => total(points, (point) => point.count),
  Sum: (points: readonly Point[]) => total(points, (point) => point.sum),
  Average: (points: readonly Point[]) => total(points, (point) => point.sum) / total(points, (point) => point.count),
  Minimum: (points: readonly Point[]) => points.reduce((least, { min }) => Math.min(least, min), Infinity),
  Maximum: (points: readonly Point[]) => points.reduce((most, { max }) => Math.max(most, max), -Infinity),
} as const

export type SimpleStatistic = keyof typeof SIMPLE

/** Of at least one point. */
export type Statistic = (points: readonly Point[]) => number

/** `Average`, `p99`, `p99.9`; undefined for what is none of these. */
export function statisticOf(name: string): Statistic | undefined {
  if (Object.hasOwn(SIMPLE, name)) return SIMPLE[name as SimpleStatistic]
  const [, text] = /^p(\d{1,3}(?:\.\d{1,10})?)$/.exec(name) ?? []
  const percent = Number(text)
  return text !== undefined && percent <= 100 ? (points) => percentile(points, percent) : undefined
}

function total(points: readonly Point[], of: (point: Point) => number): number {
  return points.reduce((sum, point) => sum + of(point), 0)
}

/** A point stands for as many samples as it has, each of its average: what the single samples were is not kept. */
function percentile(points: readonly Point[], percent: number): number {
  const sorted = points.map(({ count, sum }) => ({ count, value: sum / count })).sort((a, b) => a.value - b.value)
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.reduce((all, { count }) => all + count, 0)))
  let seen = 0
  for (const { count, value } of sorted) {
    seen += count
    if (seen >= rank) return value
  }
  return sorted.at(-1)!.value
}

export interface Period {
  /** When it began: milliseconds since the epoch. */
  readonly at: number
  /** Those whose minute began in it; at least one. */
  readonly points: readonly Point[]
}

/** Points by periods that follow each other from `from` on. Periods without points are left out. */
export function periodsOf(points: readonly Point[], from: number, periodMs: number): Period[] {
  const periods = new Map<number, Point[]>()
  for (const point of points) {
    const at = from + Math.floor((point.minute - from) / periodMs) * periodMs
    const period = periods.get(at)
    if (period) period.push(point)
    else periods.set(at, [point])
  }
  return [...periods].map(([at, inIt]) => ({ at, points: inIt })).sort((a, b) => a.at - b.at)
}
