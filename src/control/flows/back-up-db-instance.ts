import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { MINUTE_MS } from '#base/durations.ts'
import { together, type Held } from '#store/collection.ts'
import { openedAt, parseBackupWindow, untilOpen, untilOpening } from '../db-instance/identifiers.ts'
import { subjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { statusOf } from '../db-instance/status.ts'
import { automatedSnapshots, expiryOf, newAutomatedSnapshot, startDeletions } from '../db-snapshot/automated.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { change, instanceEvent, instanceOf, type FlowContext, type InstanceInput } from './context.ts'
import { busyLookMs, timerDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>
type Snapshots = readonly Held<DbSnapshotRecord>[]

/** The shortest window: a machine that slept or whose clock was set still looks into every one while it is awake. */
const LOOK_MS_MAX = 30 * MINUTE_MS

/**
 * A durable timer: takes an automated snapshot each time the backup window opens, and has the old ones deleted. Ends
 * when backups are off, or the instance is gone, and no snapshot is left to wait for.
 *
 * A snapshot's time runs while the instance is stopped too, unlike in AWS; the newest that can be restored is kept for
 * as long as the instance has backups, so that a long stop never leaves it with none.
 */
export const backUpDbInstance = flow(
  'back-up-db-instance',
  { exhausted: 'watch', policy: { deadlineMs: timerDeadlineMs } },
  {
    watch: async (c: C): Promise<Next<'watch'>> => {
      const held = await instanceOf(c)
      const snapshots = await automatedSnapshots(c.control, c.input.key)
      // Those of a deleted instance were retained: for as long as they would have been kept with it.
      const settings = (held?.value ?? snapshots.at(-1)?.value.instance)?.settings
      const retentionDays = settings?.BackupRetentionPeriod ?? 0
      const keepsNewest = held !== undefined && retentionDays > 0
      const { expired, nextMs } = expiryOf(snapshots, { retentionDays, keepsNewest, now: c.control.clock.now() })
      // Entering the step anew begins its time anew: this timer lives as long as its instance.
      if (expired.length > 0) return go('watch', startDeletions(c.control, expired))
      if (held && retentionDays > 0) return lookIntoWindow(c, held, { snapshots, nextMs })
      if (snapshots.every(({ value }) => value.status === 'deleting')) return done('nothing is left to keep')
      return wait({ timeoutMs: Math.min(nextMs, LOOK_MS_MAX) })
    },
  },
)

async function lookIntoWindow(
  c: C,
  held: Held<DbInstanceRecord>,
  { snapshots, nextMs }: { snapshots: Snapshots; nextMs: number },
): Promise<Next<'watch'>> {
  const { control } = c
  const record = held.value
  const now = control.clock.now()
  const window = parseBackupWindow(record.settings.PreferredBackupWindow)
  const rest = (ms: number): Next<never> => wait({ timeoutMs: Math.min(ms, nextMs, LOOK_MS_MAX) })
  if (untilOpen(window, now) > 0) return rest(untilOpen(window, now))
  const wasTaken = snapshots.some(({ value }) => value.createdAt >= openedAt(window, now))
  // AWS: RDS User Guide, "Backup window": no backup of an instance that is stopped.
  if (wasTaken || record.phase === 'stopped') return rest(untilOpening(window, now))
  if (statusOf(control, record) !== 'available') return rest(busyLookMs)
  const snapshot = await newAutomatedSnapshot(control, record)
  if (!snapshot) return rest(busyLookMs)
  const { id, resourceId } = snapshot.record
  const copy = control.flows.start('create-db-snapshot', subjectOf(c.input.key), {
    key: c.input.key,
    snapshot: { name: id, resourceId },
    phaseAfter: 'available',
    isBackup: true,
  })
  return go(
    'watch',
    together(
      change(c, held, { phase: 'backing-up' }),
      snapshot.writes,
      instanceEvent(control, record, 'RDS-EVENT-0001'),
      copy.writes,
    ),
  )
}
