import type { ObservedInstance } from '#wire/agent/messages.ts'
import type { Control } from '../control.ts'
import { isRouteOpen } from '../multi-az/route.ts'
import type { DbInstanceRecord } from './record.ts'

/**
 * The DBInstanceStatus that is true now: the phase, except that `available` needs an engine that accepts connections.
 * An engine that should serve and does not yet (its host has just come back, or it is recovering from a crash) is
 * `starting`; one that takes no writes, or nobody in, because its storage is full is `storage-full`. What a flow had to leave as
 * `failed` may come up later, since its agent goes on trying: then it is no longer.
 */
export function statusOf(
  control: Pick<Control, 'hosts' | 'endpoints' | 'simulated'>,
  record: DbInstanceRecord,
): string {
  if (record.phase !== 'available' && record.phase !== 'failed') return record.phase
  // AWS: Aurora user guide, auto-pause: its status does not change, since clients can come, and wait a moment.
  if (record.phase === 'available' && record.aurora?.pause) return 'available'
  const observed = control.hosts.observed(record.zone, record.resourceId)
  if (observed?.accepting && isRouteOpen(control, record))
    return observed.storage?.level === 'full' ? 'storage-full' : 'available'
  if (isKeptOut(observed)) return 'storage-full'
  if (record.phase === 'failed') return 'failed'
  return observed?.state === 'failed' ? statusOfFailure(observed) : 'starting'
}

/** The engine has no room left to come up, or to let anybody in. */
const isKeptOut = (observed: ObservedInstance | undefined): boolean =>
  observed?.state === 'running' ? observed.storage?.level === 'full' : observed?.lastError?.code === 'disk-full'

function statusOfFailure(observed: ObservedInstance): string {
  switch (observed.lastError?.code) {
    case 'bad-settings':
      return 'incompatible-parameters'
    default:
      return 'failed'
  }
}
