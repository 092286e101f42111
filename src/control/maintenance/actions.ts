/**
 * Which maintenance an instance or a cluster has before it, and when it will be done. Pure: derived from the record, the versions
 * that can run here and the time. What is kept (record.maintenance) is only what cannot be derived: when an action was
 * first seen, what somebody asked for, and when it was last tried.
 * Source: RDS User Guide, "Maintaining a DB instance"; API reference, PendingMaintenanceAction.
 */
import type { EngineVersion } from '#catalog/engine-versions.ts'
import { openedAt, parseMaintenanceWindow, untilOpen, untilOpening, type Window } from '../db-instance/identifiers.ts'
import type { DbInstanceRecord, MaintenanceAction, MaintenanceNote, PendingChanges } from '../db-instance/record.ts'
import { upgradeTargets } from '../db-instance/upgrade.ts'
import { CERTIFICATE_AGE_MS, CERTIFICATE_FORCED_MS, FORCED_AGAIN_MS, NOTICE_MS } from './limits.ts'

export interface PendingAction {
  readonly action: MaintenanceAction
  readonly description: string
  /** What has to be changed for it to be done. */
  readonly change: PendingChanges
  readonly optIn: MaintenanceNote['optIn']
  /** It is done in the first window after this, unless somebody asks for it before. Milliseconds since the epoch. */
  readonly autoAppliedAfter: number | undefined
  /** It is done at this time, window or not. */
  readonly forcedAt: number | undefined
  /** When it will be done as things stand; not later than now: it is due. Undefined: when somebody asks for it. */
  readonly appliesAt: number | undefined
}

/** What maintenance depends on. Of a cluster: what its members have in common. */
export type Maintained = Pick<DbInstanceRecord, 'settings' | 'pending' | 'certificate' | 'maintenance'>

interface Facts {
  readonly versions: readonly EngineVersion[]
  readonly now: number
}

/** In any state: also a stopped instance has maintenance before it. */
export function pendingActions(record: Maintained, facts: Facts): PendingAction[] {
  return [upgrade(record, facts), rotation(record, facts)].filter((action) => action !== undefined)
}

/** The newest minor of the instance's major, if that is newer than its own. */
export const newestMinor = (versions: readonly EngineVersion[], current: string): string | undefined =>
  upgradeTargets(versions, current).at(-1)?.version

function upgrade(record: Maintained, { versions, now }: Facts): PendingAction | undefined {
  const { settings, pending } = record
  const newest = newestMinor(versions, settings.EngineVersion)
  if (newest === undefined) return undefined
  const note = record.maintenance?.['db-upgrade']
  const isAutomatic = settings.AutoMinorVersionUpgrade && pending.EngineVersion === undefined
  const autoAppliedAfter = isAutomatic ? (note?.noticedAt ?? now) + NOTICE_MS : undefined
  return {
    action: 'db-upgrade',
    description: `Upgrade of PostgreSQL ${settings.EngineVersion} to minor version ${newest}`,
    change: { EngineVersion: newest },
    optIn: note?.optIn,
    autoAppliedAfter,
    forcedAt: undefined,
    appliesAt: earliest(...inWindow(record, note, autoAppliedAfter, now)),
  }
}

function rotation(record: Maintained, { now }: Facts): PendingAction | undefined {
  const { settings, pending, certificate } = record
  if (!certificate) return undefined
  const isOld = now >= certificate.validTill - CERTIFICATE_AGE_MS
  const wanted = pending.CACertificateIdentifier
  if (!isOld && wanted === undefined) return undefined
  const note = record.maintenance?.['ca-certificate-rotation']
  const autoAppliedAfter = isOld ? (note?.noticedAt ?? now) + NOTICE_MS : undefined
  const forcedAt = isOld ? certificate.validTill - CERTIFICATE_FORCED_MS : undefined
  return {
    action: 'ca-certificate-rotation',
    description:
      wanted === undefined
        ? 'Rotation of the server certificate, without a restart'
        : `Rotation of the server certificate to ${wanted}, without a restart`,
    change: { CACertificateIdentifier: wanted ?? settings.CACertificateIdentifier },
    optIn: note?.optIn,
    autoAppliedAfter,
    forcedAt,
    appliesAt: earliest(
      ...inWindow(record, note, autoAppliedAfter, now),
      // A change of the authority that was asked for by ModifyDBInstance is made in the window by its own timer.
      wanted === undefined ? undefined : openingFor(windowOf(record), now, { now, attemptedAt: undefined }),
      forcedAt === undefined ? undefined : Math.max(forcedAt, (note?.attemptedAt ?? -Infinity) + FORCED_AGAIN_MS),
    ),
  }
}

const windowOf = (record: Maintained): Window => parseMaintenanceWindow(record.settings.PreferredMaintenanceWindow)

/** Times at which an opt-in, and the rule for what happens by itself, have the action done. */
function inWindow(
  record: Maintained,
  note: MaintenanceNote | undefined,
  autoAppliedAfter: number | undefined,
  now: number,
): (number | undefined)[] {
  const opening = (notBefore: number): number =>
    openingFor(windowOf(record), notBefore, { now, attemptedAt: note?.attemptedAt })
  return [
    note?.optIn === 'immediate' ? note.optInAt : undefined,
    note?.optIn === 'next-maintenance' ? opening(note.optInAt ?? now) : undefined,
    autoAppliedAfter === undefined ? undefined : opening(autoAppliedAfter),
  ]
}

/** The first time from `notBefore` that is in a window, of those that are not over and in which it was not tried yet. */
function openingFor(
  window: Window,
  notBefore: number,
  { now, attemptedAt }: { now: number; attemptedAt: number | undefined },
): number {
  const from = Math.max(notBefore, now)
  const closedMs = untilOpen(window, from)
  if (closedMs > 0) return from + closedMs
  const opened = openedAt(window, from)
  if (attemptedAt !== undefined && attemptedAt >= opened) return from + untilOpening(window, from)
  return Math.max(notBefore, opened)
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}
