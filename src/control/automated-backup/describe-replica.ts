import type { DBInstanceAutomatedBackup } from '@aws-sdk/client-rds'
import type { Control } from '../control.ts'
import type { InstanceKey } from '../db-instance/record.ts'
import { describeAutomatedBackup } from '../db-snapshot/automated-backups.ts'
import { backupReplicas } from './replica.ts'
import { restoreWindow } from './window.ts'

/** Another region's copy, also while it has nothing yet. It was there a moment ago. */
export async function describeReplica(control: Control, key: InstanceKey): Promise<DBInstanceAutomatedBackup> {
  const { account, region } = key
  const held = await backupReplicas(control, key).get(key.resourceId)
  const { source, instance, zone, isStopped } = held!.value
  const window = await restoreWindow(control, key, undefined)
  const status = !window ? 'pending' : isStopped ? 'retained' : 'active'
  return describeAutomatedBackup(control, {
    scope: { account, region },
    source,
    status,
    instance,
    zone,
    window,
    tags: [],
  })
}
