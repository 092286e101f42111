/** Turns what agents see of storage into events, and into what storage autoscaling waits for. */
import { HOUR_MS } from '#base/durations.ts'
import type { EventId } from '#catalog/events.ts'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/trouble.ts'
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import type { ObservedStorage, StorageLevel } from '#wire/agent/storage.ts'
import { transact, type Control } from '../control.ts'
import { findByKey, keyOf, type DbInstanceRecord, type InstanceKey } from '../db-instance/record.ts'
import { findByResourceId } from '../db-instance/find.ts'
import { instanceEvent } from '../flows/context.ts'
import { startScaling } from './start-scaling.ts'
import { historyOf, type StorageHistory } from './history.ts'

/** Usage that wavers about a tenth is told of once in this time. */
const TOLD_AGAIN_MS = HOUR_MS

export function watchStorage(control: Control, log: Log): void {
  control.hosts.onReport((report) => {
    if (report.type !== 'observed' || !report.instance.storage) return
    const { zone, instance, before } = report
    if (before?.storage?.level === instance.storage!.level) return
    announce(control, zone, instance.id).catch((error: unknown) =>
      log.warn({ error, resourceId: instance.id }, `record the state of storage: ${messageOf(error)}`),
    )
  })
}

/**
 * May be told the same twice, as after a restart: only what is new to the history is news. What counts is what is seen
 * when the history is written, so that reports which overtake each other do no harm.
 */
async function announce(control: Control, zone: string, resourceId: string): Promise<void> {
  const found = await findByResourceId(control, resourceId)
  if (found?.zone !== zone) return
  const key = keyOf(found)
  await transact(control, async () => {
    const record = (await findByKey(control, key))?.value
    const seen = control.hosts.observed(zone, resourceId)?.storage
    return { mutation: record && seen ? await news(control, key, { record, seen }) : NOTHING, result: undefined }
  })
}

async function news(
  control: Control,
  key: InstanceKey,
  { record, seen }: { record: DbInstanceRecord; seen: ObservedStorage },
): Promise<Mutation> {
  const history = await historyOf(control, key)
  const { level, lowSince, toldLowAt } = history.value
  if (level === seen.level) return NOTHING
  const now = control.clock.now()
  const isLow = seen.level !== 'ample' && seen.limit === 'allocation'
  const events = eventsOf(history.value, seen, now)
  const lasting = isLow ? (lowSince ?? now) : undefined
  return together(
    history.change({
      level: seen.level,
      lowSince: lasting,
      toldLowAt: events.some(([id]) => id === 'RDS-EVENT-0089') ? now : toldLowAt,
    }),
    lasting === undefined ? NOTHING : await startScaling(control, record),
    ...events.map(([id, message]) => instanceEvent(control, record, id, message)),
  )
}

const ORDER: readonly StorageLevel[] = ['ample', 'low', 'critical', 'full']

function eventsOf(
  { level: before, toldLowAt }: StorageHistory,
  { level, limit, usedBytes, allocatedBytes }: ObservedStorage,
  now: number,
): [EventId, string][] {
  const passes = (step: StorageLevel): boolean =>
    ORDER.indexOf(before) < ORDER.indexOf(step) && ORDER.indexOf(level) >= ORDER.indexOf(step)
  const left =
    limit === 'host'
      ? 'The disk of the host is nearly full.'
      : freeText(allocatedBytes - (usedBytes ?? 0), allocatedBytes)
  const events: [EventId, string][] = []
  if (limit === 'allocation' && passes('low') && (toldLowAt === undefined || now - toldLowAt >= TOLD_AGAIN_MS))
    events.push(['RDS-EVENT-0089', `Free storage is low. ${left} Allocate more storage, or delete data.`])
  if (passes('critical') && level !== 'full')
    events.push([
      'RDS-EVENT-0222',
      `Free storage is very low. ${left} When it is used up, the DB instance takes no more writes.`,
    ])
  if (passes('full'))
    events.push(
      ['RDS-EVENT-0007', `The storage of the DB instance is exhausted. ${left} ${REMEDY[limit]}`],
      [
        'RDS-EVENT-0221',
        'The DB instance has reached the storage-full threshold: it serves, and transactions are read-only.',
      ],
    )
  return events
}

export const REMEDY = {
  allocation:
    'Raise AllocatedStorage with ModifyDBInstance, or delete data: a transaction that begins with BEGIN READ WRITE may.',
  host: 'Make room on the disk of the host.',
} as const

function freeText(freeBytes: number, allocatedBytes: number): string {
  const percent = Math.max(0, (100 * freeBytes) / allocatedBytes)
  return `${percent.toFixed(1)} percent of the allocated storage are free.`
}
