/** Metrics as CloudWatch's requests name them. */
import type { Dimension } from '@aws-sdk/client-cloudwatch'
import type { MetricId } from '#telemetry/metrics.ts'
import { metricUnits } from '#wire/agent/measures.ts'
import type { RequestContext } from '../handler.ts'

export function metricId(
  { account, region }: RequestContext,
  asked: { Namespace?: string | undefined; MetricName?: string | undefined; Dimensions?: Dimension[] | undefined },
): MetricId {
  return {
    account,
    region,
    namespace: asked.Namespace ?? '',
    name: asked.MetricName ?? '',
    dimensions: Object.fromEntries((asked.Dimensions ?? []).map(({ Name, Value }) => [Name!, Value!])),
  }
}

/** All that is kept here is RDS's. */
export function unitOf(name: string): string {
  // Of DB clusters, and computed from what is measured of their writers.
  if (name === 'VolumeBytesUsed') return metricUnits.FreeStorageSpace
  return Object.hasOwn(metricUnits, name) ? metricUnits[name as keyof typeof metricUnits] : 'None'
}
