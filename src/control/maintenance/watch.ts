/**
 * Begins maintenance that is due. It keeps nothing in mind: every look derives from the records what is due now, and
 * what it finds it writes in one transaction, so it may die anywhere, be late, or run twice.
 */
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import { commit, type Control } from '../control.ts'
import { findCluster } from '../db-cluster/record.ts'
import { everyInstance } from '../db-instance/find.ts'
import type { ClusterKey } from '../db-instance/record.ts'
import { newestMinor, pendingActions, type PendingAction } from './actions.ts'
import { LOOK_MS } from './limits.ts'
import { beginMaintenance, clusterSubject, instanceSubject, type Subject } from './subject.ts'

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
  const clusters = new Map<string, ClusterKey>()
  for await (const held of everyInstance(control)) {
    const { cluster } = held.value
    // Members of a cluster are changed together or not at all.
    if (cluster) clusters.set(cluster.resourceId, cluster)
    else await lookAt(control, instanceSubject(control, held))
  }
  for (const key of clusters.values()) {
    const held = await findCluster(control, key)
    if (held) await lookAt(control, await clusterSubject(control, held))
  }
}

async function lookAt(control: Control, subject: Subject): Promise<void> {
  const found = decide(control, subject)
  if (!found) return
  // Whoever changed it in between has the next look to thank for.
  const { committed } = await commit(control, found.writes)
  if (committed && found.flowId !== undefined) control.flows.wake(found.flowId)
}

function decide(
  control: Control,
  subject: Subject,
): { readonly writes: Mutation; readonly flowId?: string } | undefined {
  if (subject.status === 'creating' || subject.status === 'deleting') return undefined
  const now = control.clock.now()
  const actions = pendingActions(subject, { versions: control.versions, now })
  const unseen = actions.filter((action) => !isSeen(subject, action))
  if (unseen.length > 0) return { writes: notice(control, subject, unseen) }
  if (subject.status !== 'available') return undefined
  const due = actions.filter(
    (action) => action.appliesAt !== undefined && action.appliesAt <= now && isOurs(subject, action),
  )
  return due.length > 0 ? beginMaintenance(control, subject, due) : undefined
}

/**
 * What ModifyDBInstance or ModifyDBCluster has queued is made by the timer of pending modifications, unless maintenance was
 * asked for too; what was to be done at once began with the request.
 */
const isOurs = ({ pending }: Subject, { action, optIn }: PendingAction): boolean =>
  optIn === 'next-maintenance' ||
  (optIn === undefined &&
    (action === 'db-upgrade' ? pending.EngineVersion : pending.CACertificateIdentifier) === undefined)

const isSeen = ({ maintenance }: Subject, { action, change }: PendingAction): boolean =>
  maintenance?.[action] !== undefined &&
  (action !== 'db-upgrade' || maintenance[action].version === change.EngineVersion)

/** From now on the time of notice runs. */
function notice(control: Control, subject: Subject, actions: readonly PendingAction[]): Mutation {
  let maintenance = subject.maintenance ?? {}
  for (const { action, change } of actions) {
    const version = action === 'db-upgrade' ? change.EngineVersion : undefined
    maintenance = {
      ...maintenance,
      [action]: { noticedAt: control.clock.now(), ...maintenance[action], ...(version !== undefined && { version }) },
    }
  }
  const newest = newestMinor(control.versions, subject.settings.EngineVersion)
  const isUpgrade = actions.some(({ action }) => action === 'db-upgrade')
  return together(subject.keep(maintenance), isUpgrade && newest !== undefined ? subject.announce(newest) : NOTHING)
}
