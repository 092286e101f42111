/**
 * Begins maintenance that is due. It keeps nothing in mind: every look derives from the records what is due now, and
 * what it finds it writes in one transaction, so it may die anywhere, be late, or run twice.
 */
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import { NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import { commit, type Control } from '../control.ts'
import { everyInstance } from '../db-instance/find.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { statusOf } from '../db-instance/status.ts'
import { instanceEvent } from '../flows/context.ts'
import { newestMinor, pendingActions, type PendingAction } from './actions.ts'
import { beginMaintenance } from './begin.ts'
import { LOOK_MS } from './limits.ts'

/** Looks now, and then again and again until it is stopped; `stop` resolves when it looks no more. */
export function watchMaintenance(control: Control, log: Log): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const look = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await lookAtAll(control)
      } catch (error) {
        log.warn({ error }, `look for maintenance that is due: ${messageOf(error)}`)
      }
      await control.clock.sleep(LOOK_MS, stopping.signal).catch(() => {})
    }
  }
  const ended = look()
  return {
    stop() {
      stopping.abort()
      return ended
    },
  }
}

async function lookAtAll(control: Control): Promise<void> {
  for await (const held of everyInstance(control)) {
    const found = decide(control, held)
    if (!found) continue
    // Whoever changed the instance in between has the next look to thank for.
    const { committed } = await commit(control, found.writes)
    if (committed && found.flowId !== undefined) control.flows.wake(found.flowId)
  }
}

function decide(
  control: Control,
  held: Held<DbInstanceRecord>,
): { readonly writes: Mutation; readonly flowId?: string } | undefined {
  const record = held.value
  if (record.phase === 'creating' || record.phase === 'deleting') return undefined
  const now = control.clock.now()
  const actions = pendingActions(record, { versions: control.versions, now })
  const unseen = actions.filter((action) => !isSeen(record, action))
  if (unseen.length > 0) return { writes: notice(control, held, unseen) }
  if (statusOf(control, record) !== 'available') return undefined
  const due = actions.filter(
    (action) => action.appliesAt !== undefined && action.appliesAt <= now && isOurs(record, action),
  )
  return due.length > 0 ? beginMaintenance(control, held, due) : undefined
}

/**
 * What ModifyDBInstance has queued is made by the timer of pending modifications, unless maintenance was asked for too;
 * what was to be done at once began with the request.
 */
const isOurs = (record: DbInstanceRecord, { action, optIn }: PendingAction): boolean =>
  optIn === 'next-maintenance' ||
  (optIn === undefined &&
    (action === 'db-upgrade' ? record.pending.EngineVersion : record.pending.CACertificateIdentifier) === undefined)

const isSeen = ({ maintenance }: DbInstanceRecord, { action, change }: PendingAction): boolean =>
  maintenance?.[action] !== undefined &&
  (action !== 'db-upgrade' || maintenance[action].version === change.EngineVersion)

/** From now on the time of notice runs. */
function notice(control: Control, held: Held<DbInstanceRecord>, actions: readonly PendingAction[]): Mutation {
  const record = held.value
  let { maintenance } = record
  for (const { action, change } of actions) {
    const version = action === 'db-upgrade' ? change.EngineVersion : undefined
    maintenance = {
      ...maintenance,
      [action]: { noticedAt: control.clock.now(), ...maintenance?.[action], ...(version !== undefined && { version }) },
    }
  }
  const newest = newestMinor(control.versions, record.settings.EngineVersion)
  const isUpgrade = actions.some(({ action }) => action === 'db-upgrade')
  return together(
    dbInstances(control, record).update(held, { ...record, ...(maintenance && { maintenance }) }),
    isUpgrade && newest !== undefined
      ? instanceEvent(
          control,
          record,
          'RDS-EVENT-0155',
          `The DB instance has a DB engine minor version upgrade available: ${newest}`,
        )
      : NOTHING,
  )
}
