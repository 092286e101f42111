import type { Datapoint, GetMetricStatisticsInput, StandardUnit } from '@aws-sdk/client-cloudwatch'
import { InvalidParameterCombinationException, InvalidParameterValueException } from '@aws-sdk/client-cloudwatch'
import { SECOND_MS } from '#base/durations.ts'
import { periodsOf, statisticOf, type Statistic } from '#telemetry/statistics.ts'
import { fault } from '#wire/aws/faults.ts'
import type { CloudWatchHandler } from '../handler.ts'
import { metricId, unitOf } from './metric.ts'
import { isPeriod, PERIOD_RULE, roundedStart } from './time-range.ts'

/** AWS: GetMetricStatistics, "the maximum number of data points returned from a single call is 1,440". */
const DATAPOINTS_MAX = 1440

export const GetMetricStatistics: CloudWatchHandler<'GetMetricStatistics'> = (input, context) => {
  const { clock, metrics } = context.control
  const statistics = check(input)
  const unit = unitOf(input.MetricName)
  const label = { Label: input.MetricName }
  if (input.Unit !== undefined && input.Unit !== unit) return { ...label, Datapoints: [] }
  const start = roundedStart(input.StartTime.getTime(), clock.now())
  const points = metrics.read(metricId(context, input), start, input.EndTime.getTime())
  const Datapoints = periodsOf(points, start, input.Period * SECOND_MS).map((period): Datapoint => {
    const values = [...statistics].map(([name, statistic]) => [name, statistic(period.points)] as const)
    return {
      Timestamp: new Date(period.at),
      ...(input.ExtendedStatistics?.length
        ? { ExtendedStatistics: Object.fromEntries(values) }
        : Object.fromEntries(values)),
      Unit: unit as StandardUnit,
    }
  })
  return { ...label, Datapoints }
}

type Input = GetMetricStatisticsInput & { Period: number; StartTime: Date; EndTime: Date }

function check(input: Input): ReadonlyMap<string, Statistic> {
  const { Statistics = [], ExtendedStatistics = [], Period, StartTime, EndTime } = input
  if (Statistics.length === 0 && ExtendedStatistics.length === 0)
    throw combination('At least one of the parameters Statistics and ExtendedStatistics must be specified.')
  if (Statistics.length > 0 && ExtendedStatistics.length > 0)
    throw combination('Statistics and ExtendedStatistics may not be set at the same time.')
  if (!isPeriod(Period)) throw value(`The parameter Period ${PERIOD_RULE}.`)
  const spanMs = EndTime.getTime() - StartTime.getTime()
  if (spanMs === 0) throw value('The parameter StartTime must not equal parameter EndTime.')
  if (spanMs < 0) throw value('The parameter StartTime must be less than the parameter EndTime.')
  const count = Math.ceil(spanMs / (Period * SECOND_MS))
  if (count > DATAPOINTS_MAX)
    throw combination(
      `You have requested up to ${count} datapoints, which exceeds the limit of ${DATAPOINTS_MAX}. ` +
        'You may reduce the datapoints requested by increasing Period, or decreasing the time range.',
    )
  return new Map([...Statistics, ...ExtendedStatistics].map((name) => [name, required(name)]))
}

function required(name: string): Statistic {
  const statistic = statisticOf(name)
  if (!statistic)
    throw value(`The value ${name} for parameter ExtendedStatistics is not supported: percentiles are, as p99.9.`)
  return statistic
}

const combination = (message: string): Error => fault(InvalidParameterCombinationException, message)
const value = (message: string): Error => fault(InvalidParameterValueException, message)
