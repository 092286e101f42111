/** The times that an instance can be restored to. */
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'
import { parseLsn } from '#wire/pg/lsn.ts'
import { NOTHING, type Held, type Mutation } from '#store/collection.ts'
import type { ObservedArchive } from '#wire/agent/archive.ts'
import type { Control } from '../control.ts'
import type { InstanceKey } from '../db-instance/record.ts'
import { basesOf, logMarks, usableFrom, type BaseBackupRecord } from './record.ts'

export interface RestoreWindow {
  readonly from: number
  /** Whole seconds, as requests have them. */
  readonly to: number
}

/** The engine whose log it is now: of a cluster its writer. Undefined: there is none any more. */
interface Place {
  readonly zone: string
  readonly resourceId: string
}

/** Undefined while there is nothing to restore from. */
export const restoreWindow = (
  control: Pick<Control, 'store' | 'hosts' | 'clock' | 'simulated'>,
  key: InstanceKey,
  place: Place | undefined,
): Promise<RestoreWindow | undefined> =>
  windowBehind(control, key, (newest) => place && archivedUntil(control, { place, newest }))

/** `until`: up to when the log goes on from the newest base backup, as far as anybody says so. */
export async function windowBehind(
  control: Pick<Control, 'store'>,
  key: InstanceKey,
  until: (newest: BaseBackupRecord) => number | undefined,
): Promise<RestoreWindow | undefined> {
  const bases = (await basesOf(control, key)).filter(({ value }) => value.isStored && !value.isExpired)
  const [oldest, newest] = [bases[0]?.value, bases.at(-1)?.value]
  if (!oldest || !newest) return undefined
  const known = Math.max((await markOf(control, key))?.value.until ?? 0, usableFrom(newest))
  const to = Math.max(known, until(newest) ?? 0)
  return { from: usableFrom(oldest), to: Math.max(Math.floor(to / SECOND_MS) * SECOND_MS, usableFrom(oldest)) }
}

/** What the agent says, as far as the newest base backup can be gone on from by it. */
function archivedUntil(
  control: Pick<Control, 'hosts' | 'clock' | 'simulated'>,
  { place, newest }: { place: Place; newest: BaseBackupRecord },
): number | undefined {
  const observed = control.hosts.observed(place.zone, place.resourceId)
  // An engine without a log loses nothing, and can be restored to what it is.
  if (control.simulated) return observed?.accepting ? control.clock.now() : undefined
  return untilIn(observed?.archive, newest)
}

export const untilIn = (archive: ObservedArchive | undefined, newest: BaseBackupRecord): number | undefined =>
  archive && continues(archive, newest) ? archive.until : undefined

/** Whether the log goes on without a gap from where the log ends that this base backup has itself. */
export function continues(archive: ObservedArchive, { log }: BaseBackupRecord): boolean {
  return log !== undefined && parseLsn(log.end) >= parseLsn(archive.from)
}

const markOf = (control: Pick<Control, 'store'>, key: InstanceKey): Promise<Held<{ until: number }> | undefined> =>
  logMarks(control, key).get(key.resourceId)

/** Writes down how far the log goes, for when nobody says so any more. */
export async function markLog(
  control: Pick<Control, 'store'>,
  key: InstanceKey,
  window: RestoreWindow | undefined,
): Promise<Mutation> {
  const held = await markOf(control, key)
  if (!window || (held && held.value.until >= window.to)) return NOTHING
  const mark = { until: window.to }
  return held ? logMarks(control, key).update(held, mark) : logMarks(control, key).create(key.resourceId, mark)
}

/** The same for those that look often: once a minute. */
export async function markNowAndThen(
  control: Pick<Control, 'store' | 'clock'>,
  key: InstanceKey,
  window: () => Promise<RestoreWindow | undefined>,
): Promise<Mutation> {
  const held = await markOf(control, key)
  if (held && held.value.until > control.clock.now() - MINUTE_MS) return NOTHING
  return markLog(control, key, await window())
}

export async function removeMark(control: Pick<Control, 'store'>, key: InstanceKey): Promise<Mutation> {
  const held = await markOf(control, key)
  return held ? logMarks(control, key).remove(held) : NOTHING
}
