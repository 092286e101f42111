/**
 * Time series of measured values, as CloudWatch keeps them: a point for each minute, for fifteen days. What a point
 * means is its writer's business. `sqlite-metrics.ts` keeps them, on disk or in memory.
 */

/** Which series: everything by which CloudWatch tells metrics apart. */
export interface MetricId {
  readonly account: string
  readonly region: string
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
}

/** The samples of one minute. */
export interface Point {
  /** When the minute began: milliseconds since the epoch. */
  readonly minute: number
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

export interface KnownMetric {
  readonly id: MetricId
  /** The latest minute that has a point. */
  readonly lastMinute: number
}

export interface Metrics {
  /**
   * Keeps points. Of two for the same minute the one with more samples stays, since a minute is told again as it goes
   * on. Older than what is kept: nothing. Throws where the disk is full or broken.
   */
  record(points: readonly { readonly metric: MetricId; readonly point: Point }[]): void
  /** Every series of the namespace, or of all, that has points, in order of name and dimensions. */
  list(scope: Pick<MetricId, 'account' | 'region'>, namespace?: string): KnownMetric[]
  /** The series' points of minutes that began in [from, to), oldest first. */
  read(metric: MetricId, from: number, to: number): Point[]
  /** Forgets everything. */
  clear(): void
  close(): void
}
