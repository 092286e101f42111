/** Metrics in an SQLite file, or in memory. Nobody else has the file open. */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#host/clock.ts'
import { METRICS_BYTES_MAX, POINT_KEPT_MS, PRUNE_EVERY_MS, SERIES_MAX } from './limits.ts'
import type { KnownMetric, MetricId, Metrics, Point } from './metrics.ts'
import { prepareSchema } from './sqlite/schema.ts'

const MINUTE_MS = 60_000
const PAGE_BYTES = 4_096
const IN_MEMORY = ':memory:'

/** Opens the file, or makes it; `:memory:` keeps nothing. Throws when it is no such file or is damaged. */
export function openMetrics(path: string, clock: Clock): Metrics {
  // Nobody else's to read. SQLite's other files take its mode.
  if (path !== IN_MEMORY) closeSync(openSync(path, 'a', 0o600))
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    // A power failure may cost the last minutes, never the file: points are not worth a sync each.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    db.exec(`PRAGMA max_page_count = ${METRICS_BYTES_MAX / PAGE_BYTES}; PRAGMA cache_size = -2000`)
    prepareSchema(db)
    return new SqliteMetrics(db, clock)
  } catch (error) {
    db.close()
    throw error
  }
}

class SqliteMetrics implements Metrics {
  private readonly db: DatabaseSync
  private readonly clock: Clock
  private readonly statements: ReturnType<typeof prepare>
  /** Ids of series by their key, so that recording looks nothing up. */
  private readonly known = new Map<string, number>()
  private prunedAt = -Infinity

  constructor(db: DatabaseSync, clock: Clock) {
    this.db = db
    this.clock = clock
    this.statements = prepare(db)
    this.learn()
  }

  record(points: readonly { readonly metric: MetricId; readonly point: Point }[]): void {
    const oldest = this.clock.now() - POINT_KEPT_MS
    const fresh = points.filter(({ point }) => point.minute >= oldest)
    if (fresh.length === 0) return
    this.transaction(() => {
      for (const { metric, point } of fresh) {
        const series = this.seriesOf(metric)
        const { minute, count, sum, min, max } = point
        this.statements.put.run(series, minute / MINUTE_MS, count, sum, min, max)
        this.statements.touch.run(minute / MINUTE_MS, series)
      }
      if (this.clock.monotonic() - this.prunedAt >= PRUNE_EVERY_MS) this.prune(oldest)
    })
  }

  list({ account, region }: Pick<MetricId, 'account' | 'region'>, namespace?: string): KnownMetric[] {
    const oldest = (this.clock.now() - POINT_KEPT_MS) / MINUTE_MS
    return this.statements.list
      .all(account, region, namespace ?? null, oldest)
      .map((row) => ({ id: metricOf(row), lastMinute: (row['last_minute'] as number) * MINUTE_MS }))
  }

  read(metric: MetricId, from: number, to: number): Point[] {
    const series = this.known.get(keyOf(metric))
    if (series === undefined) return []
    const kept = Math.max(from, this.clock.now() - POINT_KEPT_MS)
    return this.statements.read.all(series, kept / MINUTE_MS, to / MINUTE_MS).map((row) => ({
      minute: (row['minute'] as number) * MINUTE_MS,
      count: row['count'] as number,
      sum: row['sum'] as number,
      min: row['min'] as number,
      max: row['max'] as number,
    }))
  }

  clear(): void {
    this.transaction(() => this.db.exec('DELETE FROM point; DELETE FROM series'))
    this.known.clear()
  }

  close(): void {
    this.db.close()
  }

  private seriesOf(metric: MetricId): number {
    const key = keyOf(metric)
    const known = this.known.get(key)
    if (known !== undefined) return known
    if (this.known.size >= SERIES_MAX) throw new Error(`there are ${SERIES_MAX} metrics already`)
    const { account, region, namespace, name } = metric
    const { lastInsertRowid } = this.statements.add.run(account, region, namespace, name, dimensionsOf(metric))
    this.known.set(key, Number(lastInsertRowid))
    return Number(lastInsertRowid)
  }

  private prune(oldest: number): void {
    for (const [key, series] of this.known) {
      this.statements.prune.run(series, oldest / MINUTE_MS)
      if (this.statements.forget.run(series, oldest / MINUTE_MS).changes > 0) this.known.delete(key)
    }
    this.prunedAt = this.clock.monotonic()
  }

  private learn(): void {
    this.known.clear()
    for (const row of this.statements.all.all()) this.known.set(keyOf(metricOf(row)), row['id'] as number)
  }

  private transaction(work: () => void): void {
    this.db.exec('BEGIN')
    try {
      work()
      this.db.exec('COMMIT')
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK')
      // Series that were new in it are not there any more.
      this.learn()
      throw error
    }
  }
}

function prepare(
  db: DatabaseSync,
): Record<'all' | 'add' | 'put' | 'touch' | 'list' | 'read' | 'prune' | 'forget', ReturnType<DatabaseSync['prepare']>> {
  return {
    all: db.prepare('SELECT * FROM series'),
    add: db.prepare(
      'INSERT INTO series (account, region, namespace, name, dimensions, last_minute) VALUES (?, ?, ?, ?, ?, 0)',
    ),
    put: db.prepare(
      `INSERT INTO point (series, minute, count, sum, min, max) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (series, minute) DO UPDATE SET count = excluded.count, sum = excluded.sum, min = excluded.min,
       max = excluded.max WHERE excluded.count > count`,
    ),
    touch: db.prepare('UPDATE series SET last_minute = max(last_minute, ?) WHERE id = ?'),
    list: db.prepare(
      `SELECT * FROM series WHERE account = ? AND region = ? AND namespace = coalesce(?, namespace) AND last_minute >= ?
       ORDER BY namespace, name, dimensions`,
    ),
    read: db.prepare('SELECT * FROM point WHERE series = ? AND minute >= ? AND minute < ? ORDER BY minute'),
    prune: db.prepare('DELETE FROM point WHERE series = ? AND minute < ?'),
    forget: db.prepare('DELETE FROM series WHERE id = ? AND last_minute < ?'),
  }
}

/** The same text whatever the order in which dimensions are given. */
function dimensionsOf({ dimensions }: MetricId): string {
  return JSON.stringify(Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function keyOf(metric: MetricId): string {
  return JSON.stringify([metric.account, metric.region, metric.namespace, metric.name, dimensionsOf(metric)])
}

function metricOf(row: Record<string, unknown>): MetricId {
  return {
    account: row['account'] as string,
    region: row['region'] as string,
    namespace: row['namespace'] as string,
    name: row['name'] as string,
    dimensions: Object.fromEntries(JSON.parse(row['dimensions'] as string) as [string, string][]),
  }
}
