import assert from 'node:assert/strict'
import test from 'node:test'
import type { GetMetricDataInput, GetMetricDataOutput, GetMetricStatisticsInput } from '@aws-sdk/client-cloudwatch'
import { instanceMetric } from '#control/metrics/collect.ts'
import { requestContext, SCOPE, testControl, type TestControl } from '../../../tests/support/control.ts'
import { cloudWatchHandlers } from './service.ts'

const MINUTE = 60_000

/** Two instances with one connection more every minute for an hour: 0, 1, 2, … and 1000, 1001, … */
function world(): { control: TestControl; first: number } {
  const control = testControl()
  const first = Math.floor(control.clock.now() / MINUTE) * MINUTE - 60 * MINUTE
  const points = ['orders', 'users'].flatMap((id, which) =>
    Array.from({ length: 60 }, (_, n) => {
      const value = which * 1000 + n
      return {
        metric: instanceMetric({ ...SCOPE, id }, 'DatabaseConnections'),
        point: { minute: first + n * MINUTE, count: 2, sum: 2 * value, min: value - 0.5, max: value + 0.5 },
      }
    }),
  )
  control.metrics.record(points)
  return { control, first }
}

const ORDERS = {
  Namespace: 'AWS/RDS',
  MetricName: 'DatabaseConnections',
  Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'orders' }],
}

function statistics(
  control: TestControl,
  more: Partial<GetMetricStatisticsInput> & { StartTime: Date; EndTime: Date },
) {
  return cloudWatchHandlers.GetMetricStatistics(
    { ...ORDERS, Period: 60, Statistics: ['Average'], ...more } as never,
    requestContext(control),
  ) as { Label?: string; Datapoints?: Record<string, unknown>[] }
}

const data = (control: TestControl, more: Partial<GetMetricDataInput> & { StartTime: Date; EndTime: Date }) =>
  cloudWatchHandlers.GetMetricData(
    {
      MetricDataQueries: [{ Id: 'a', MetricStat: { Metric: ORDERS, Period: 60, Stat: 'Average' } }],
      ...more,
    } as never,
    requestContext(control),
  ) as GetMetricDataOutput

test('statistics are over periods from the start on; the end is left out', () => {
  const { control, first } = world()
  const { Label, Datapoints } = statistics(control, {
    StartTime: new Date(first + 3 * MINUTE + 30_000),
    EndTime: new Date(first + 8 * MINUTE),
    Period: 180,
    Statistics: ['Average', 'Sum', 'Minimum', 'Maximum', 'SampleCount'],
  })
  assert.equal(Label, 'DatabaseConnections')
  const at = (minute: number) => new Date(first + minute * MINUTE)
  assert.deepEqual(Datapoints, [
    { Timestamp: at(3), Average: 4, Sum: 24, Minimum: 2.5, Maximum: 5.5, SampleCount: 6, Unit: 'Count' },
    { Timestamp: at(6), Average: 6.5, Sum: 26, Minimum: 5.5, Maximum: 7.5, SampleCount: 4, Unit: 'Count' },
  ])
})

test('percentiles come as extended statistics', () => {
  const { control, first } = world()
  const { Datapoints } = statistics(control, {
    StartTime: new Date(first),
    EndTime: new Date(first + 60 * MINUTE),
    Period: 3600,
    Statistics: undefined,
    ExtendedStatistics: ['p50', 'p99.9'],
  })
  assert.deepEqual(Datapoints![0]!['ExtendedStatistics'], { p50: 29, 'p99.9': 59 })
})

test('another unit, another name, other dimensions and another account have no data', () => {
  const { control, first } = world()
  const range = { StartTime: new Date(first), EndTime: new Date(first + 60 * MINUTE) }
  for (const other of [
    { Unit: 'Bytes' },
    { MetricName: 'CPUUtilization' },
    { Namespace: 'AWS/EC2' },
    { Dimensions: [] },
    { Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'nobody' }] },
  ])
    assert.deepEqual(statistics(control, { ...range, ...other } as never).Datapoints, [], JSON.stringify(other))
  const elsewhere = requestContext(control, { account: '111111111111', region: 'us-east-1' })
  const { MetricDataResults } = cloudWatchHandlers.GetMetricData(
    { MetricDataQueries: [{ Id: 'a', MetricStat: { Metric: ORDERS, Period: 60, Stat: 'Sum' } }], ...range },
    elsewhere,
  ) as GetMetricDataOutput
  assert.deepEqual(MetricDataResults![0]!.Values, [])
})

test('data comes newest first, or oldest first, and whole', () => {
  const { control, first } = world()
  const range = { StartTime: new Date(first), EndTime: new Date(first + 3 * MINUTE) }
  const [newest] = data(control, range).MetricDataResults!
  assert.deepEqual([newest!.Id, newest!.Label, newest!.StatusCode], ['a', 'DatabaseConnections', 'Complete'])
  assert.deepEqual(newest!.Values, [2, 1, 0])
  assert.deepEqual(newest!.Timestamps![0], new Date(first + 2 * MINUTE))
  assert.deepEqual(data(control, { ...range, ScanBy: 'TimestampAscending' }).MetricDataResults![0]!.Values, [0, 1, 2])
})

for (const ScanBy of ['TimestampAscending', 'TimestampDescending'] as const)
  test(`pages in ${ScanBy} have every value of every query once`, () => {
    const { control, first } = world()
    const users = { ...ORDERS, Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'users' }] }
    const request = {
      MetricDataQueries: [
        { Id: 'a', MetricStat: { Metric: ORDERS, Period: 300, Stat: 'Average' } },
        { Id: 'hidden', MetricStat: { Metric: ORDERS, Period: 60, Stat: 'Sum' }, ReturnData: false },
        { Id: 'b', MetricStat: { Metric: users, Period: 300, Stat: 'Average' }, Label: 'the users' },
      ],
      StartTime: new Date(first),
      EndTime: new Date(first + 60 * MINUTE),
      ScanBy,
    }
    const whole = data(control, request)
    assert.equal(whole.NextToken, undefined)
    for (const MaxDatapoints of [1, 5, 12, 13, 23, 24]) {
      const seen: Record<string, number[]> = { a: [], b: [] }
      let NextToken: string | undefined
      do {
        const page = data(control, { ...request, MaxDatapoints, NextToken })
        const count = page.MetricDataResults!.reduce((sum, { Values }) => sum + Values!.length, 0)
        assert.ok(count > 0 && count <= MaxDatapoints, `${count} of ${MaxDatapoints}`)
        for (const { Id, Values } of page.MetricDataResults!) seen[Id!]!.push(...Values!)
        NextToken = page.NextToken
      } while (NextToken !== undefined)
      assert.deepEqual(
        seen,
        Object.fromEntries(whole.MetricDataResults!.map(({ Id, Values }) => [Id, Values])),
        `by ${MaxDatapoints}`,
      )
    }
  })

test('metrics are listed by namespace, name, and dimensions, and those that were active of late', async () => {
  const { control } = world()
  const list = (input: object) =>
    cloudWatchHandlers.ListMetrics(input, requestContext(control)) as { Metrics: object[] }
  const ids = (input: object): unknown[] =>
    list(input).Metrics.map((metric) => (metric as typeof ORDERS).Dimensions[0]!.Value)
  assert.deepEqual(list({ MetricName: 'DatabaseConnections' }).Metrics[0], ORDERS)
  assert.deepEqual(ids({}), ['orders', 'users'])
  assert.deepEqual(ids({ Namespace: 'AWS/EC2' }), [])
  assert.deepEqual(ids({ MetricName: 'CPUUtilization' }), [])
  assert.deepEqual(ids({ Dimensions: [{ Name: 'DBInstanceIdentifier' }] }), ['orders', 'users'])
  assert.deepEqual(ids({ Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'users' }] }), ['users'])
  assert.deepEqual(ids({ Dimensions: [{ Name: 'Role' }] }), [])
  assert.deepEqual(ids({ RecentlyActive: 'PT3H' }), ['orders', 'users'])
  await control.clock.advance(4 * 60 * MINUTE)
  assert.deepEqual(ids({ RecentlyActive: 'PT3H' }), [])
  assert.deepEqual(ids({}), ['orders', 'users'])
})

test('a list of more than 500 metrics comes in pages', () => {
  const { control, first } = world()
  const point = { minute: first, count: 1, sum: 1, min: 1, max: 1 }
  const names = Array.from({ length: 1100 }, (_, n) => `db-${n}`)
  control.metrics.record(names.map((id) => ({ metric: instanceMetric({ ...SCOPE, id }, 'ReadIOPS'), point })))
  const seen = new Set<string>()
  let NextToken: string | undefined
  let pages = 0
  do {
    const page = cloudWatchHandlers.ListMetrics(
      { MetricName: 'ReadIOPS', ...(NextToken !== undefined && { NextToken }) },
      requestContext(control),
    ) as {
      Metrics: (typeof ORDERS)[]
      NextToken?: string
    }
    for (const { Dimensions } of page.Metrics) seen.add(Dimensions[0]!.Value)
    NextToken = page.NextToken
    pages++
  } while (NextToken !== undefined)
  assert.deepEqual([seen.size, pages], [1100, 3])
})

const at = (minutes: number): Date => new Date(Date.UTC(2026, 0, 1) + minutes * MINUTE)
const query = (more: object = {}): object => ({
  Id: 'a',
  MetricStat: { Metric: ORDERS, Period: 60, Stat: 'Average' },
  ...more,
})

for (const [what, more, name, says] of [
  ['no statistic', { Statistics: [] }, 'InvalidParameterCombinationException', /At least one/],
  ['both kinds of statistic', { ExtendedStatistics: ['p50'] }, 'InvalidParameterCombinationException', /same time/],
  ['a period of 45 seconds', { Period: 45 }, 'InvalidParameterValueException', /Period/],
  ['no time at all', { EndTime: at(0) }, 'InvalidParameterValueException', /must not equal/],
  ['an end before the start', { EndTime: at(-1) }, 'InvalidParameterValueException', /must be less/],
  ['more than 1440 points', { EndTime: at(1441) }, 'InvalidParameterCombinationException', /1441.*limit of 1440/],
  [
    'an unknown extended statistic',
    { Statistics: undefined, ExtendedStatistics: ['tm90'] },
    'InvalidParameterValueException',
    /tm90/,
  ],
] as const)
  test(`statistics of ${what} are refused`, () => {
    assert.throws(
      () => statistics(testControl(), { StartTime: at(0), EndTime: at(60), ...more } as never),
      (error: Error) => error.name === name && says.test(error.message),
    )
  })

for (const [what, more, code, says] of [
  ['no time at all', { EndTime: at(0) }, 'ValidationError', /must not equal/],
  ['an end before the start', { EndTime: at(-1) }, 'ValidationError', /must be less/],
  ['too many at once', { MaxDatapoints: 100_801 }, 'ValidationError', /MaxDatapoints/],
  ['a foreign token', { NextToken: 'eyJwbGFjZSI6MX0=' }, 'InvalidNextToken', /NextToken/],
  ['a broken token', { NextToken: '????' }, 'InvalidNextToken', /NextToken/],
  ['a bad id', { MetricDataQueries: [query({ Id: 'A' })] }, 'ValidationError', /pattern/],
  ['an id twice', { MetricDataQueries: [query(), query()] }, 'ValidationError', /not unique/],
  [
    'an expression',
    { MetricDataQueries: [{ Id: 'e', Expression: 'a * 2' }] },
    'ValidationError',
    /Metric math.*not available/,
  ],
  ['neither metric nor expression', { MetricDataQueries: [{ Id: 'a' }] }, 'ValidationError', /MetricStat/],
  [
    'an unknown statistic',
    { MetricDataQueries: [query({ MetricStat: { Metric: ORDERS, Period: 60, Stat: 'IQM' } })] },
    'ValidationError',
    /IQM/,
  ],
  [
    'too many queries',
    { MetricDataQueries: Array.from({ length: 501 }, (_, n) => query({ Id: `a${n}` })) },
    'ValidationError',
    /500/,
  ],
] as const)
  test(`data of ${what} is refused`, () => {
    assert.throws(
      () => data(testControl(), { StartTime: at(0), EndTime: at(60), ...more } as never),
      (error: Error) => error.name === code && says.test(error.message),
    )
  })
