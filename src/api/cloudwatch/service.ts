/** The actions of CloudWatch: reading the metrics that Holdfast measures. Nothing else can be put here. */
import type * as cloudWatch from '@aws-sdk/client-cloudwatch'
import type { Handlers } from '#wire/aws/sdk-types.ts'
import type { RequestContext } from '../handler.ts'
import { GetMetricData } from './get-metric-data.ts'
import { GetMetricStatistics } from './get-metric-statistics.ts'
import { ListMetrics } from './list-metrics.ts'

export const cloudWatchHandlers = {
  GetMetricData,
  GetMetricStatistics,
  ListMetrics,
} satisfies Handlers<typeof cloudWatch, RequestContext>
