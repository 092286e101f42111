import type { DimensionFilter } from '@aws-sdk/client-cloudwatch'
import { InvalidParameterValueException } from '@aws-sdk/client-cloudwatch'
import { HOUR_MS } from '#base/durations.ts'
import type { MetricId } from '#telemetry/metrics.ts'
import { fault } from '#wire/aws/faults.ts'
import type { CloudWatchHandler } from '../handler.ts'
import { pageOf } from './pages.ts'

/** AWS: ListMetrics, "up to 500 results are returned for any one call". */
const RESULTS_MAX = 500

/** AWS: ListMetrics, RecentlyActive: "metrics that have had data points published during the past three hours". */
const RECENT_MS = 3 * HOUR_MS

export const ListMetrics: CloudWatchHandler<'ListMetrics'> = (input, context) => {
  const { clock, metrics } = context.control
  if (input.OwningAccount !== undefined && input.OwningAccount !== context.account)
    throw fault(InvalidParameterValueException, 'Metrics of other accounts are not shared here.')
  const since = input.RecentlyActive === undefined ? 0 : clock.now() - RECENT_MS
  const found = metrics
    .list(context, input.Namespace)
    .filter(({ id, lastMinute }) => lastMinute >= since && matches(id, input.MetricName, input.Dimensions ?? []))
  const { items, NextToken } = pageOf(found, input.NextToken, {
    size: RESULTS_MAX,
    keyOf: ({ id }) => JSON.stringify([id.namespace, id.name, Object.entries(id.dimensions)]),
  })
  return {
    Metrics: items.map(({ id }) => ({
      Namespace: id.namespace,
      MetricName: id.name,
      Dimensions: Object.entries(id.dimensions).map(([Name, Value]) => ({ Name, Value })),
    })),
    ...(input.IncludeLinkedAccounts && { OwningAccounts: items.map(() => context.account) }),
    ...(NextToken !== undefined && { NextToken }),
  }
}

/** A filter without a value asks for the dimension, whatever its value. */
function matches(id: MetricId, name: string | undefined, filters: readonly DimensionFilter[]): boolean {
  if (name !== undefined && id.name !== name) return false
  return filters.every(({ Name, Value }) => {
    const has = Object.hasOwn(id.dimensions, Name!)
    return has && (Value === undefined || id.dimensions[Name!] === Value)
  })
}
