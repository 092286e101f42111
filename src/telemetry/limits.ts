import { DAY_MS, HOUR_MS } from '#base/durations.ts'

/** AWS: CloudWatch User Guide, "Metrics retention": data points of 60 seconds are available for 15 days. */
export const POINT_KEPT_MS = 15 * DAY_MS

/** How often old points are dropped. In between, a few more than necessary lie on disk. */
export const PRUNE_EVERY_MS = HOUR_MS

/** Series that are kept, of some 3,000 instances. Their 21,600 points each take half a megabyte. */
export const SERIES_MAX = 50_000

/** The file's size at most. What would pass it is refused, as on a full disk. */
export const METRICS_BYTES_MAX = 20 * 1024 ** 3
