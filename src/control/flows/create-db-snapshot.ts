import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { Held } from '#store/collection.ts'
import type { SnapshotFacts } from '#wire/agent/messages.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { findSnapshot, OF_INSTANCES, type SnapshotRef } from '../db-snapshot/kind.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { isRedundant, lossOfPrimary } from '../multi-az/copies.ts'
import {
  change,
  instanceEvent,
  instanceOf,
  job,
  type FlowContext,
  type InstanceInput,
  type JobOutcome,
} from './context.ts'
import { finished } from './endings.ts'
import { copyLookMs, engineDeadlineMs } from './limits.ts'
import { snapshotFailed, snapshotSucceeded } from './snapshot-writes.ts'

interface Input extends InstanceInput {
  readonly snapshot: SnapshotRef
  /** What the instance goes back to: it may be stopped while its data is copied. */
  readonly phaseAfter: 'available' | 'stopped'
  /** Whether the timer of automated backups asked for it. */
  readonly isBackup?: boolean
}
type C = FlowContext<Input>
type Step = 'choose' | 'copy-standby' | 'copy' | 'finish' | 'abandon'

/**
 * Copies an instance's data while it serves: that of a standby which has everything, so that its primary does not have
 * to read it all. Nobody takes over meanwhile, since the instance is `backing-up`: a primary that is lost ends the copy.
 */
export const createDbSnapshot = flow(
  'create-db-snapshot',
  {
    exhausted: 'abandon',
    steps: { 'copy-standby': { deadlineMs: engineDeadlineMs }, copy: { deadlineMs: engineDeadlineMs } },
  },
  {
    /** Which copy is read is decided once: two jobs must not write to one snapshot. */
    choose: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const hasStandby = c.input.phaseAfter === 'available' && isRedundant(c.control, held.value)
      return go(hasStandby ? 'copy-standby' : 'copy')
    },

    'copy-standby': async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const { standby } = held.value
      if (!standby) return go('copy')
      const outcome = await copyIn(c, held.value, standby.zone, 'snapshot-of-standby')
      if (outcome.state === 'succeeded') return taken(c, held, outcome.result)
      // It may have become a primary in the middle, or have ended: what it had copied is of no use.
      if (outcome.state === 'failed') return go('copy')
      const loss = lossOfPrimary(c.control, held.value)
      const isReachable = c.control.hosts.isConnected(standby.zone)
      if ((loss !== undefined || standby.state !== 'in-sync') && isReachable)
        await c.control.hosts.cancelJobs(standby.zone, `${held.value.resourceId}/${c.flowId}/`)
      // The standby is to take over as soon as the instance is free.
      return loss === undefined ? wait({ timeoutMs: copyLookMs }) : notTaken(c, held, loss)
    },

    copy: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const outcome = await copyIn(c, held.value, held.value.zone, 'snapshot')
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return taken(c, held, outcome.result)
      return notTaken(c, held, outcome.error.message)
    },

    finish: (c: C) => finished(c, 'copied'),

    abandon: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const { zone, standby, resourceId } = held.value
      for (const one of [zone, ...(standby && c.control.hosts.isConnected(standby.zone) ? [standby.zone] : [])])
        await c.control.hosts.cancelJobs(one, `${resourceId}/${c.flowId}/`)
      return go(
        'finish',
        change(c, held, { phase: c.input.phaseAfter }),
        snapshotFailed(c.control, OF_INSTANCES, await snapshotIn(c), c.lastError ?? 'The copy took too long.'),
      )
    },
  },
)

const snapshotIn = ({ control, input }: C): Promise<Held<DbSnapshotRecord> | undefined> =>
  findSnapshot(control, input.key, { kind: OF_INSTANCES, ...input.snapshot })

const copyIn = (
  c: C,
  { resourceId }: DbInstanceRecord,
  ...[zone, name]: [zone: string, name: string]
): Promise<JobOutcome<'instance.snapshot'>> =>
  job(c, {
    zone,
    resourceId,
    name,
    kind: 'instance.snapshot',
    input: async () => ({ id: resourceId, snapshotId: c.input.snapshot.resourceId }),
  })

const taken = async (c: C, held: Held<DbInstanceRecord>, facts: SnapshotFacts): Promise<Next<'finish'>> =>
  go(
    'finish',
    change(c, held, { phase: c.input.phaseAfter }),
    snapshotSucceeded(c.control, OF_INSTANCES, await snapshotIn(c), facts),
    ...(c.input.isBackup ? [instanceEvent(c.control, held.value, 'RDS-EVENT-0002')] : []),
  )

async function notTaken(c: C, held: Held<DbInstanceRecord>, message: string): Promise<Next<'finish'>> {
  const { snapshot, phaseAfter } = c.input
  return go(
    'finish',
    change(c, held, { phase: phaseAfter }),
    snapshotFailed(c.control, OF_INSTANCES, await snapshotIn(c), message),
    instanceEvent(c.control, held.value, 'RDS-EVENT-0086', `Snapshot ${snapshot.name} failed: ${message}`),
  )
}
