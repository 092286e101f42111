/** Turns what agents report unasked into events: an engine that died by itself, and came back. */
import { messageOf } from '#base/trouble.ts'
import { eventMessage } from '#catalog/events.ts'
import type { Log } from '#base/log.ts'
import type { ObservedInstance } from '#wire/agent/messages.ts'
import { commit, type Control } from '../control.ts'
import { keyOf, timerSubjectOf } from '../db-instance/record.ts'
import { findByResourceId } from '../db-instance/find.ts'
import type { HostReport } from '../hosts.ts'
import { instanceEvent } from './context.ts'

export function watchInstances(control: Control, log: Log): void {
  control.hosts.onReport((report) => {
    if (report.type === 'observed' && hasNewLog(report.instance, report.before))
      wakeBackups(control, report.instance.id).catch((error: unknown) =>
        log.warn({ error, resourceId: report.instance.id }, `look at a new log: ${messageOf(error)}`),
      )
    const event = eventOf(report)
    if (!event) return
    record(control, event).catch((error: unknown) =>
      log.warn({ error, resourceId: event.instance.id }, `record an instance event: ${messageOf(error)}`),
    )
  })
}

/** An unbroken part of an archived log has begun: restores need a base backup that it goes on from. */
function hasNewLog({ archive }: ObservedInstance, before: ObservedInstance | undefined): boolean {
  return archive !== undefined && archive.from !== before?.archive?.from
}

async function wakeBackups(control: Control, resourceId: string): Promise<void> {
  const record = await findByResourceId(control, resourceId)
  if (record) control.flows.wakeSubjects(timerSubjectOf(keyOf(record), 'backup'))
}

interface Seen {
  readonly instance: ObservedInstance
  readonly id: 'RDS-EVENT-0020' | 'RDS-EVENT-0021' | 'RDS-EVENT-0035'
  readonly message: string | undefined
}

function eventOf(report: HostReport): Seen | undefined {
  if (report.type !== 'observed' || !report.before) return undefined
  const { instance, before } = report
  if (instance.crashes > before.crashes)
    return {
      instance,
      id: 'RDS-EVENT-0020',
      message: `Recovery of the DB instance has started. ${instance.lastError?.message ?? ''}`.trim(),
    }
  if (instance.accepting && !before.accepting && instance.crashes > 0)
    return { instance, id: 'RDS-EVENT-0021', message: undefined }
  if (instance.state === 'failed' && before.state !== 'failed' && instance.lastError?.code === 'bad-settings')
    return {
      instance,
      id: 'RDS-EVENT-0035',
      message: `${eventMessage('RDS-EVENT-0035')}. ${instance.lastError.message}`,
    }
  return undefined
}

/** A flow that restarts the engine writes its own events: only what happens to a resting instance is news. */
async function record(control: Control, seen: Seen): Promise<void> {
  const instance = await findByResourceId(control, seen.instance.id)
  if (instance?.phase === 'available') await commit(control, instanceEvent(control, instance, seen.id, seen.message))
}
