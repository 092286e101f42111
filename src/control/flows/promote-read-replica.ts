import { done, flow, go, wait } from '#flow/flow.ts'
import { NOTHING } from '#store/collection.ts'
import { scheduleBackups } from '../db-instance/backups.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { leaveSource } from '../read-replica/leave.ts'
import { releaseLink } from '../read-replica/link.ts'
import { instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { failed, finished } from './endings.ts'
import { restartDeadlineMs } from './limits.ts'

interface Input extends InstanceInput {
  /** Days that its backups are kept from now on; absent: as before. */
  readonly retentionDays?: number
  readonly backupWindow?: string
}
type C = FlowContext<Input>

/** Makes a read replica a DB instance of its own. There is no way back. */
export const promoteReadReplica = flow(
  'promote-read-replica',
  { exhausted: 'fail', steps: { promote: { deadlineMs: restartDeadlineMs } } },
  {
    promote: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      const promoted = promotedFrom(record, c.input)
      const outcome = await jobOn(c, record, {
        name: `promote-${c.failures}`,
        kind: 'instance.promote',
        input: async () => ({ spec: await instanceSpec(c.control, promoted) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`promote the replica: ${outcome.error.message}`)
      const switchedOn = record.settings.BackupRetentionPeriod === 0 && promoted.settings.BackupRetentionPeriod > 0
      return go(
        'finish',
        dbInstances(c.control, c.input.key).update(held, promoted),
        await leaveSource(c.control, record),
        releaseLink(record),
        promoted.settings.BackupRetentionPeriod > 0 ? await scheduleBackups(c.control, promoted) : NOTHING,
        switchedOn ? instanceEvent(c.control, record, 'RDS-EVENT-0032') : NOTHING,
      )
    },

    finish: (c: C) => finished(c, 'promoted'),

    fail: (c: C) => failed(c, 'failed', 'The read replica was not promoted in time.'),
  },
)

/** Orders that were made for a replica are void from now on. */
function promotedFrom(record: DbInstanceRecord, { retentionDays, backupWindow }: Input): DbInstanceRecord {
  const { replica: _was, ...rest } = record
  const { settings } = record
  return {
    ...rest,
    phase: 'available',
    complaint: undefined,
    generation: (record.generation ?? 0) + 1,
    settings: {
      ...settings,
      BackupRetentionPeriod: retentionDays ?? settings.BackupRetentionPeriod,
      PreferredBackupWindow: backupWindow ?? settings.PreferredBackupWindow,
    },
  }
}
