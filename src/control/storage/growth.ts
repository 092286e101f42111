import { HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { instanceMetric } from '../metrics/collect.ts'

/**
 * How fast free storage went down in the last hour, in GiB an hour of the rules' time; undefined where it was not
 * measured for at least a minute. Growth before the last change of storage says nothing: free storage jumps there.
 */
export function growthPerHour(
  { clock, metrics, storageScale }: Pick<Control, 'clock' | 'metrics' | 'storageScale'>,
  record: DbInstanceRecord,
  changedAt: number | undefined,
): number | undefined {
  const now = clock.now()
  const hourMs = HOUR_MS / storageScale.speed
  const from = Math.max(now - Math.max(hourMs, 2 * MINUTE_MS), record.createdAt, changedAt ?? 0)
  const points = metrics.read(instanceMetric(record, 'FreeStorageSpace'), from, now)
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last || first === last) return undefined
  const shrunkBytes = first.sum / first.count - last.sum / last.count
  return Math.max(0, (shrunkBytes / storageScale.unitBytes) * (hourMs / (last.minute - first.minute)))
}
