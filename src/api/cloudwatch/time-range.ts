/** The times of a request, as CloudWatch understands them. AWS: CloudWatch API reference, GetMetricStatistics, StartTime. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#base/durations.ts'

/** Periods of less than a minute; all others are whole minutes. Seconds. */
const SHORT_PERIODS: readonly number[] = [1, 5, 10, 20, 30]

export const isPeriod = (seconds: number): boolean =>
  SHORT_PERIODS.includes(seconds) || (Number.isInteger(seconds) && seconds > 0 && seconds % 60 === 0)

export const PERIOD_RULE = 'must be 1, 5, 10, 20, 30, or a multiple of 60'

/** The older it is, the coarser: rounded down to what is kept of that time. */
export function roundedStart(start: number, now: number): number {
  const age = now - start
  const unit = age <= 15 * DAY_MS ? MINUTE_MS : age <= 63 * DAY_MS ? 5 * MINUTE_MS : HOUR_MS
  return Math.floor(start / unit) * unit
}
