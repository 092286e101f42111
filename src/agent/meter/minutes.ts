import { withSample } from '#wire/agent/measures.ts'
import type { MeasuredMinute, MetricName, MetricPoint, MetricValues } from '#wire/agent/measures.ts'

const MINUTE_MS = 60_000

/** The last minutes of the instances of a host, as far as serve may not have read them yet. Pure but for its own memory. */
export class Minutes {
  /** By instance; its minutes in order. */
  private readonly kept = new Map<string, MeasuredMinute[]>()
  private readonly minutesMax: number

  constructor(minutesMax: number) {
    this.minutesMax = minutesMax
  }

  /** Counts the values of one look into the minute in which it was made. */
  add(id: string, atMs: number, values: MetricValues): void {
    const minute = Math.floor(atMs / MINUTE_MS) * MINUTE_MS
    const minutes = this.kept.get(id) ?? []
    this.kept.set(id, minutes)
    const last = minutes.at(-1)
    if (last?.minute === minute) minutes[minutes.length - 1] = { ...last, metrics: sums(last.metrics, values) }
    // A clock that was set back does not put new looks into old minutes: those may have been read.
    else if (!last || minute > last.minute) minutes.push({ id, minute, metrics: sums({}, values) })
    else return
    if (minutes.length > this.minutesMax) minutes.shift()
  }

  drop(id: string): void {
    this.kept.delete(id)
  }

  /** Minutes that began at `from` or later, oldest first; at most so many, but never only some of one minute. */
  since(from: number, countMax: number): { minutes: readonly MeasuredMinute[]; more: boolean } {
    const found = [...this.kept.values()].flat().filter(({ minute }) => minute >= from)
    found.sort((a, b) => a.minute - b.minute)
    if (found.length <= countMax) return { minutes: found, more: false }
    const border = found[countMax]!.minute
    const whole = found.findIndex(({ minute }) => minute === border)
    // With more instances than fit, one minute has to be told whole all the same: else nobody would come past it.
    const end = whole > 0 ? whole : found.findLastIndex(({ minute }) => minute === border) + 1
    return { minutes: found.slice(0, end), more: end < found.length }
  }
}

function sums(before: MeasuredMinute['metrics'], values: MetricValues): MeasuredMinute['metrics'] {
  const metrics: { [K in MetricName]?: MetricPoint } = { ...before }
  for (const [name, value] of Object.entries(values) as [MetricName, number][])
    metrics[name] = withSample(metrics[name], value)
  return metrics
}
