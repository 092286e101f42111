/** The span of time and the sources that DescribeEvents asks for. */
import type { DescribeEventsMessage } from '@aws-sdk/client-rds'
import { MINUTE_MS } from '#base/durations.ts'
import { eventSourceTypes } from '#catalog/events.ts'
import type { EventSourceType } from '#catalog/events.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { EVENT_KEPT_MS } from './event.ts'
import type { EventQuery } from './event.ts'

/** AWS: DescribeEvents, Duration, Default. */
const DURATION_MINUTES_DEFAULT = 60

/** Throws InvalidParameterValue or InvalidParameterCombination. */
export function eventQuery(asked: DescribeEventsMessage, now: number): EventQuery {
  if (asked.SourceIdentifier !== undefined && asked.SourceType === undefined)
    throw invalidCombination('SourceType must be provided when SourceIdentifier is provided.')
  return {
    ...spanOf(asked, now),
    sourceType: asked.SourceType === undefined ? undefined : requireSourceType(asked.SourceType),
    sourceId: asked.SourceIdentifier,
    categories: asked.EventCategories,
  }
}

export function requireSourceType(text: string): EventSourceType {
  const known = eventSourceTypes.find((type) => type === text)
  if (!known)
    throw invalidValue(`Source type ${text} is invalid. Valid source types are: ${eventSourceTypes.join(', ')}`)
  return known
}

/** A start without an end reaches `Duration` from there, or to now; without a start it reaches back from the end. */
function spanOf({ StartTime, EndTime, Duration }: DescribeEventsMessage, now: number): { from: number; to: number } {
  if (Duration !== undefined && (!Number.isInteger(Duration) || Duration < 0))
    throw invalidValue(`Invalid value ${Duration} for Duration: it must be a number of minutes.`)
  const spanMs = (Duration ?? DURATION_MINUTES_DEFAULT) * MINUTE_MS
  const from = StartTime?.getTime()
  const to = EndTime?.getTime() ?? (from !== undefined && Duration !== undefined ? from + spanMs : now)
  if (from !== undefined && from > to) throw invalidCombination('StartTime must be before EndTime.')
  if (from !== undefined && from < now - EVENT_KEPT_MS - MINUTE_MS)
    throw invalidValue('StartTime must be within the last 14 days.')
  return { from: Math.max(from ?? to - spanMs, now - EVENT_KEPT_MS), to }
}
