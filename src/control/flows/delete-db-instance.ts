import { done, flow, go, wait } from '#flow/flow.ts'
import { NOTHING, together } from '#store/collection.ts'
import { releasePort } from '../db-instance/ports.ts'
import { zonesOf } from '../db-instance/zones.ts'
import {
  dbInstanceNames,
  dbInstances,
  nameIndexOf,
  parametersSubjectOf,
  timersOf,
  type DbInstanceRecord,
} from '../db-instance/record.ts'
import { basesOf, baseBackups } from '../automated-backup/record.ts'
import { markLog, removeMark, restoreWindow } from '../automated-backup/window.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { automatedSnapshots } from '../db-snapshot/automated.ts'
import { dbSnapshots } from '../db-snapshot/record.ts'
import { cancelAtSource, forgetAtSource, leaveSource, wakeReplicas } from '../read-replica/leave.ts'
import { deleteManagedSecret } from '../secrets/managed.ts'
import { forgetHistory } from '../storage/history.ts'
import { change, instanceEvent, instanceOf, jobOn, job, type FlowContext, type InstanceInput } from './context.ts'
import { engineDeadlineMs, restartDeadlineMs } from './limits.ts'
import { findSnapshot, OF_INSTANCES, type SnapshotRef } from '../db-snapshot/kind.ts'
import { snapshotFailed, snapshotSucceeded } from './snapshot-writes.ts'

interface Input extends InstanceInput {
  readonly finalSnapshot: SnapshotRef | undefined
  /** Whether automated snapshots stay: they are then deleted as their time comes. */
  readonly keepsBackups?: boolean
  /** What the instance goes back to if its final snapshot cannot be taken. */
  readonly phaseBefore: 'available' | 'stopped' | 'failed' | 'incompatible-parameters' | 'restore-error'
}
type C = FlowContext<Input>

/**
 * Deletes an instance, whatever it was doing: this flow has taken the place of the one that was alive. Nothing is lost
 * that should be kept: if the final snapshot cannot be taken, the instance stays.
 */
export const deleteDbInstance = flow(
  'delete-db-instance',
  {
    exhausted: 'cancel',
    steps: {
      snapshot: { deadlineMs: engineDeadlineMs },
      remove: { deadlineMs: restartDeadlineMs },
      backups: { deadlineMs: restartDeadlineMs },
    },
  },
  {
    cancel: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      // The flow that was alive may have left a job running; it must not make again what `remove` takes away.
      for (const zone of zonesOf(held.value)) await c.control.hosts.cancelJobs(zone, `${held.value.resourceId}/`)
      await cancelAtSource(c.control, held.value)
      const marked = c.input.keepsBackups
        ? await markLog(c.control, c.input.key, await restoreWindow(c.control, c.input.key, held.value))
        : NOTHING
      return go(c.input.finalSnapshot ? 'snapshot' : 'remove', marked)
    },

    snapshot: async (c: C) => {
      const held = await instanceOf(c)
      const snapshot = c.input.finalSnapshot
      if (!held) return done('deleted')
      if (!snapshot) return go('remove')
      const outcome = await jobOn(c, held.value, {
        name: 'final-snapshot',
        kind: 'instance.snapshot',
        input: async () => ({ id: held.value.resourceId, snapshotId: snapshot.resourceId }),
      })
      if (outcome.state === 'pending') return wait()
      const record = await findSnapshot(c.control, c.input.key, { kind: OF_INSTANCES, ...snapshot })
      if (outcome.state === 'succeeded')
        return go('remove', snapshotSucceeded(c.control, OF_INSTANCES, record, outcome.result))
      const { message } = outcome.error
      return done(
        'kept',
        change(c, held, { phase: c.input.phaseBefore, complaint: `The final snapshot failed: ${message}` }),
        snapshotFailed(c.control, OF_INSTANCES, record, message),
        instanceEvent(c.control, held.value, 'RDS-EVENT-0086', `The final snapshot failed: ${message}`),
      )
    },

    remove: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      if (!(await isRemoved(c, held.value))) return wait()
      return go(c.input.keepsBackups ? 'forget' : 'backups')
    },

    backups: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      // Those that are being deleted already are so by flows of their own.
      const left = (await automatedSnapshots(c.control, OF_INSTANCES, c.input.key)).filter(
        ({ value }) => value.status !== 'deleting',
      )
      const bases = await basesOf(c.control, c.input.key)
      const temporary = bases.filter(({ value }) => value.isTemporary).map(({ value: { id, zone } }) => ({ id, zone }))
      const copies = [...left.map(({ value: { resourceId: id, zone } }) => ({ id, zone })), ...temporary]
      let pending = false
      for (const { id: snapshotId, zone } of copies) {
        const outcome = await job(c, {
          zone,
          resourceId: c.input.key.resourceId,
          name: `remove-${snapshotId}-${c.failures}`,
          kind: 'snapshot.remove',
          input: async () => ({ snapshotId }),
        })
        if (outcome.state === 'failed') throw new Error(`remove snapshot ${snapshotId}: ${outcome.error.message}`)
        pending ||= outcome.state === 'pending'
      }
      if (pending) return wait()
      // Only now: a base backup that is still being stored is stored out of a snapshot.
      const trimmed = await jobOn(
        c,
        { zone: held.value.zone, resourceId: c.input.key.resourceId },
        {
          name: `trim-${c.failures}`,
          kind: 'archive.trim',
          input: async () => ({ prefix: archivePrefix(c.input.key), keep: [] }),
        },
      )
      if (trimmed.state === 'pending') return wait()
      if (trimmed.state === 'failed') throw new Error(`remove the backups: ${trimmed.error.message}`)
      return go(
        'forget',
        ...left.map((one) => dbSnapshots(c.control, c.input.key).remove(one)),
        ...bases.map((base) => baseBackups(c.control, c.input.key).remove(base)),
        await removeMark(c.control, c.input.key),
      )
    },

    forget: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      for (const zone of zonesOf(record)) await c.control.hosts.forgetJobs(zone, `${record.resourceId}/`)
      await forgetAtSource(c.control, record)
      const name = await dbInstanceNames(c.control).get(nameIndexOf(record))
      const { secretArn } = record.master
      return go(
        'silence',
        together(
          dbInstances(c.control, record).remove(held),
          name ? dbInstanceNames(c.control).remove(name) : NOTHING,
          await forgetHistory(c.control, c.input.key),
          ...(c.control.simulated ? [] : portsOf(record).map(releasePort)),
          secretArn === undefined ? NOTHING : await deleteManagedSecret(c.control, record, secretArn),
          await leaveSource(c.control, record),
          instanceEvent(c.control, record, 'RDS-EVENT-0003'),
        ),
      )
    },

    /** Timers and the parameter flow look at the instance, find none, and end; that of retained backups stays. */
    silence: async (c: C) => {
      for (const subjects of [timersOf(c.input.key), parametersSubjectOf(c.input.key)])
        c.control.flows.wakeSubjects(subjects)
      await wakeReplicas(c.control, c.input.key)
      return done('deleted')
    },
  },
)

/** Every copy, the gateway before them, and a copy that a standby was to be made from. */
async function isRemoved(c: C, record: DbInstanceRecord): Promise<boolean> {
  const { resourceId, standby, replica } = record
  if (record.copyPorts) await c.control.endpoints.remove(resourceId)
  const requests = zonesOf(record).map((zone) => ({
    zone,
    resourceId,
    // A failed removal is tried again under another name: the host still remembers the first.
    name: `remove-${c.failures}`,
    kind: 'instance.remove' as const,
    input: async () => ({ id: resourceId }),
  }))
  const outcomes = await Promise.all(requests.map((request) => job(c, request)))
  for (const outcome of outcomes)
    if (outcome.state === 'failed') throw new Error(`remove ${resourceId}: ${outcome.error.message}`)
  if (outcomes.some((outcome) => outcome.state === 'pending')) return false
  const seedId = standby?.seedId ?? replica?.seedId
  if (seedId === undefined) return true
  const seed = await jobOn(c, record, {
    name: `remove-seed-${c.failures}`,
    kind: 'snapshot.remove',
    input: async () => ({ snapshotId: seedId }),
  })
  if (seed.state === 'failed') throw new Error(`remove ${seedId}: ${seed.error.message}`)
  return seed.state === 'succeeded'
}

/** A port change that was cut short has two; copies have their own, and so has the way to a distant source. */
const portsOf = ({ port, pending, copyPorts, replica }: DbInstanceRecord): number[] => [
  port,
  ...(pending.Port === undefined ? [] : [pending.Port]),
  ...Object.values(copyPorts?.byZone ?? {}),
  ...(replica?.link ? [replica.link.port] : []),
]
