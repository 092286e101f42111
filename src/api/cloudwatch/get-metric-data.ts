import type { MetricDataQuery, MetricDataResult } from '@aws-sdk/client-cloudwatch'
import { SECOND_MS } from '#base/durations.ts'
import { periodsOf, statisticOf, type Statistic } from '#telemetry/statistics.ts'
import { AwsFault } from '#wire/aws/faults.ts'
import type { CloudWatchHandler, RequestContext } from '../handler.ts'
import { metricId, unitOf } from './metric.ts'
import { readToken, writeToken } from './pages.ts'
import { isPeriod, PERIOD_RULE, roundedStart } from './time-range.ts'

/** AWS: GetMetricData, "up to 500 different metrics in a single request, with a total of as many as 100,800 data points". */
const QUERIES_MAX = 500
const DATAPOINTS_MAX = 100_800

/** Where a page goes on: in this query, after the value of this time. */
interface Place {
  readonly query: number
  readonly after: number | undefined
}

interface Span {
  readonly start: number
  readonly end: number
  readonly descending: boolean
}

export const GetMetricData: CloudWatchHandler<'GetMetricData'> = (input, context) => {
  const start = input.StartTime.getTime()
  const end = input.EndTime.getTime()
  if (start === end) throw invalid('The parameter StartTime must not equal parameter EndTime.')
  if (start > end) throw invalid('The parameter StartTime must be less than the parameter EndTime.')
  const most = input.MaxDatapoints ?? DATAPOINTS_MAX
  if (most < 1 || most > DATAPOINTS_MAX) throw invalid(`MaxDatapoints must be between 1 and ${DATAPOINTS_MAX}.`)
  const queries = checked(input.MetricDataQueries)
  const span: Span = {
    start: roundedStart(start, context.control.clock.now()),
    end,
    descending: input.ScanBy !== 'TimestampAscending',
  }
  const place = input.NextToken === undefined ? { query: 0, after: undefined } : placeIn(input.NextToken)
  const { results, next } = pageFrom(place, most, { queries, context, span })
  return { MetricDataResults: results, Messages: [], ...(next && { NextToken: writeToken(next) }) }
}

interface Asked {
  readonly query: MetricDataQuery
  readonly statistic: Statistic
}

interface Reading {
  readonly queries: readonly Asked[]
  readonly context: RequestContext
  readonly span: Span
}

function pageFrom(from: Place, most: number, reading: Reading): { results: MetricDataResult[]; next?: Place } {
  const results: MetricDataResult[] = []
  let left = most
  for (let index = from.query; index < reading.queries.length; index++) {
    const asked = reading.queries[index]!
    const { descending } = reading.span
    const after = index === from.query ? from.after : undefined
    const values = valuesOf(asked, reading).filter(
      ({ at }) => after === undefined || (descending ? at < after : at > after),
    )
    if (left === 0 && values.length > 0) return { results, next: { query: index, after } }
    const given = values.slice(0, left)
    left -= given.length
    const whole = given.length === values.length
    results.push({
      Id: asked.query.Id!,
      Label: asked.query.Label ?? asked.query.MetricStat!.Metric!.MetricName!,
      Timestamps: given.map(({ at }) => new Date(at)),
      Values: given.map(({ value }) => value),
      StatusCode: whole ? 'Complete' : 'PartialData',
    })
    if (!whole) return { results, next: { query: index, after: given.at(-1)!.at } }
  }
  return { results }
}

function valuesOf({ query, statistic }: Asked, { context, span }: Reading): { at: number; value: number }[] {
  const { Metric, Period, Unit } = query.MetricStat!
  if (Unit !== undefined && Unit !== unitOf(Metric!.MetricName!)) return []
  const points = context.control.metrics.read(metricId(context, Metric!), span.start, span.end)
  const values = periodsOf(points, span.start, Period! * SECOND_MS).map(({ at, points: inIt }) => ({
    at,
    value: statistic(inIt),
  }))
  return span.descending ? values.reverse() : values
}

/** Those whose data is asked for; the others could only serve expressions. */
function checked(queries: readonly MetricDataQuery[]): Asked[] {
  if (queries.length > QUERIES_MAX)
    throw invalid(`The collection MetricDataQueries must not have a size greater than ${QUERIES_MAX}.`)
  const ids = new Set<string>()
  const asked = queries.map((query): Asked => {
    const { Id = '', Expression, MetricStat } = query
    if (!/^[a-z][a-zA-Z0-9_]*$/.test(Id))
      throw invalid(
        `The value ${Id} for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.`,
      )
    if (ids.has(Id)) throw invalid(`The values for parameter id in MetricDataQueries are not unique: ${Id}.`)
    ids.add(Id)
    if (Expression !== undefined)
      throw invalid(
        `Metric math and Metrics Insights are not available in Holdfast: query ${Id} has an Expression. Ask for its metrics by MetricStat.`,
      )
    if (!MetricStat) throw invalid(`MetricDataQueries.member.MetricStat of ${Id} must not be null.`)
    if (!isPeriod(MetricStat.Period!))
      throw invalid(`MetricDataQueries.member.MetricStat.Period of ${Id} ${PERIOD_RULE}.`)
    const statistic = statisticOf(MetricStat.Stat!)
    if (!statistic)
      throw invalid(
        `The value ${MetricStat.Stat} for parameter MetricDataQueries.member.MetricStat.Stat is not supported: SampleCount, Sum, Average, Minimum, Maximum and percentiles are, as p99.9.`,
      )
    return { query, statistic }
  })
  return asked.filter(({ query }) => query.ReturnData !== false)
}

function placeIn(token: string): Place {
  const place = readToken(token) as Partial<Place> | null
  if (typeof place === 'object' && place !== null && Number.isInteger(place.query)) return place as Place
  throw new AwsFault('InvalidNextToken', 'The NextToken value is invalid.')
}

const invalid = (message: string): Error => new AwsFault('ValidationError', message)
