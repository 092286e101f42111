/**
 * What happened to resources, for DescribeEvents: kept for fourteen days, as RDS does.
 *
 * Events lie in three slots by fortnight, so that old ones go without anybody reading them first:
 *
 *     event/<fortnight mod 3>/<milliseconds>-<random>
 *
 *     fortnight  n-1    n    n+1        Recording in fortnight n empties the slot of n+1, which holds n-2: all of it
 *     slot        0     1     2         is older than fourteen days. A slot may still hold what is a round (six weeks)
 *                                       older when nothing was recorded for long; readers go by the time in the record.
 */
import { categoriesOf, eventMessage } from '#catalog/events.ts'
import type { EventId, EventSourceType } from '#catalog/events.ts'
import { DAY_MS } from '#base/durations.ts'
import { Collection } from '#store/collection.ts'
import type { Mutation } from '#store/collection.ts'
import type { Control, Scope } from '../control.ts'
import { prefixOf } from '../control.ts'

/** AWS: DescribeEvents, "returns events ... for the past 14 days". */
export const EVENT_KEPT_MS = 14 * DAY_MS

const SLOTS = 3
/** Digits of milliseconds since the epoch, so that keys sort by time until the year 2286. */
const TIME_DIGITS = 13

export interface EventRecord {
  readonly id: EventId
  readonly sourceType: EventSourceType
  readonly sourceId: string
  readonly sourceArn: string
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface NewEvent {
  readonly id: EventId
  readonly sourceType: EventSourceType
  readonly sourceId: string
  readonly sourceArn: string
  /** Instead of the id's usual text. */
  readonly message?: string
}

/** Writes that record an event now, for the transaction that makes it true. */
export function recordEvent(
  control: Pick<Control, 'store' | 'clock' | 'random'>,
  scope: Scope,
  event: NewEvent,
): Mutation {
  const at = control.clock.now()
  const fortnight = Math.floor(at / EVENT_KEPT_MS)
  const record: EventRecord = { ...event, message: event.message ?? eventMessage(event.id), at }
  const { ops, compares } = slot(control, scope, fortnight).create(
    `${String(at).padStart(TIME_DIGITS, '0')}-${control.random.bytes(6).toString('hex')}`,
    record,
  )
  return { compares, ops: [{ op: 'delete-prefix', prefix: slot(control, scope, fortnight + 1).prefix }, ...ops] }
}

export interface EventQuery {
  /** Inclusive, milliseconds since the epoch. */
  readonly from: number
  /** Inclusive. */
  readonly to: number
  readonly sourceType?: EventSourceType | undefined
  readonly sourceId?: string | undefined
  /** Any of these. */
  readonly categories?: readonly string[] | undefined
}

/** An event, and a key that orders it among all others. */
export interface FoundEvent extends EventRecord {
  readonly key: string
  readonly categories: readonly string[]
}

/** What matches, oldest first; events of the same millisecond in the order in which they were committed. */
export async function findEvents(
  control: Pick<Control, 'store'>,
  scope: Scope,
  query: EventQuery,
): Promise<FoundEvent[]> {
  const held = await new Collection<EventRecord>(control.store, prefixOf(scope, 'event')).list()
  return held
    .filter(({ value }) => value.at >= query.from && value.at <= query.to)
    .filter(({ value }) => !query.sourceType || value.sourceType === query.sourceType)
    .filter(({ value }) => !query.sourceId || value.sourceId === query.sourceId.toLowerCase())
    .map(({ value, key, revision }) => ({
      ...value,
      categories: categoriesOf(value.sourceType, value.id),
      key: `${value.at}/${String(revision).padStart(TIME_DIGITS, '0')}/${key.slice(key.lastIndexOf('-') + 1)}`,
    }))
    .filter(({ categories }) => !query.categories?.length || query.categories.some((c) => categories.includes(c)))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}

function slot(control: Pick<Control, 'store'>, scope: Scope, fortnight: number): Collection<EventRecord> {
  return new Collection(control.store, `${prefixOf(scope, 'event')}${fortnight % SLOTS}/`)
}
