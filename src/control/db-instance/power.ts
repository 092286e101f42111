/** RebootDBInstance, StopDBInstance, StartDBInstance. */
import { resourceId as newResourceId } from '#host/random.ts'
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { rebootMember } from '../db-cluster/reboot.ts'
import { refuseMember } from '../db-cluster/refuse-member.ts'
import { newManualSnapshot } from '../db-snapshot/create.ts'
import { instanceEvent } from '../flows/context.ts'
import { isRedundant } from '../multi-az/copies.ts'
import { refuseToStop } from '../read-replica/rules.ts'
import { instanceNotAvailable, invalidCombination, invalidState } from './faults.ts'
import { requireInstance } from './find.ts'
import { dbInstances, keyOf, subjectOf, type DbInstanceRecord, type Phase } from './record.ts'
import { started } from './started.ts'
import { statusOf } from './status.ts'

interface Order {
  readonly operation: 'RebootDBInstance' | 'StopDBInstance' | 'StartDBInstance'
  readonly idOrArn: string
  readonly phase: Phase
  readonly flow: string
  /** Throws unless the instance may do this now. */
  readonly check: (record: DbInstanceRecord, status: string) => void
  readonly more?: (record: DbInstanceRecord) => Promise<{ input: object; writes: Mutation }>
}

async function order(control: Control, scope: Scope, what: Order): Promise<DbInstanceRecord> {
  const { record, flowId } = await transact(control, async () => {
    const held = await requireInstance(control, scope, what.idOrArn)
    refuseMember(held.value, what.operation)
    what.check(held.value, statusOf(control, held.value))
    const record: DbInstanceRecord = { ...held.value, phase: what.phase }
    const key = keyOf(record)
    const more = (await what.more?.(record)) ?? { input: {}, writes: NOTHING }
    const flow = control.flows.start(what.flow, subjectOf(key), { ...more.input, key })
    return {
      mutation: together(dbInstances(control, scope).update(held, record), more.writes, flow.writes),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}

export async function rebootDbInstance(
  control: Control,
  scope: Scope,
  input: { DBInstanceIdentifier: string; ForceFailover?: boolean | undefined },
): Promise<DbInstanceRecord> {
  const { id, cluster } = (await requireInstance(control, scope, input.DBInstanceIdentifier)).value
  if (cluster) {
    if (input.ForceFailover)
      throw invalidCombination(
        `The DB instance ${id} is a member of the DB cluster ${cluster.id}: use FailoverDBCluster.`,
      )
    await rebootMember(control, scope, { id, cluster: cluster.id })
    return (await requireInstance(control, scope, id)).value
  }
  return order(control, scope, {
    idOrArn: input.DBInstanceIdentifier,
    operation: 'RebootDBInstance',
    phase: 'rebooting',
    flow: input.ForceFailover ? 'recover-db-instance' : 'reboot-db-instance',
    check: (record, status) => {
      if (input.ForceFailover && !record.settings.MultiAZ)
        throw invalidCombination('You cannot force a failover when the instance is not configured for Multi-AZ.')
      if (input.ForceFailover && !control.simulated && !isRedundant(control, record))
        throw invalidState(`Instance ${record.id} has no standby that could take over now. Try again later.`)
      if (!['available', 'incompatible-parameters', 'storage-full'].includes(status) && !isRecoverable(record, status))
        throw instanceNotAvailable(record.id, status)
    },
    more: async () => ({
      input: input.ForceFailover ? { isForced: true, because: 'A failover was requested.' } : {},
      writes: NOTHING,
    }),
  })
}

/**
 * It has served before, and what keeps its engine from running may be over: a port that a stranger held, a full disk.
 * RDS has only restoring for this, because there nobody can put the host right.
 */
const isRecoverable = ({ phase, endpointKnown }: DbInstanceRecord, status: string): boolean =>
  endpointKnown &&
  (status === 'failed' ? phase === 'failed' || phase === 'available' : status === 'storage-full' && phase === 'failed')

export function stopDbInstance(
  control: Control,
  scope: Scope,
  input: { DBInstanceIdentifier: string; DBSnapshotIdentifier?: string | undefined },
): Promise<DbInstanceRecord> {
  return order(control, scope, {
    idOrArn: input.DBInstanceIdentifier,
    operation: 'StopDBInstance',
    phase: 'stopping',
    flow: 'stop-db-instance',
    check: (record, status) => {
      if (status !== 'available') throw instanceNotAvailable(record.id, status)
    },
    more: async (record) => {
      await refuseToStop(control, record)
      if (input.DBSnapshotIdentifier === undefined)
        return { input: {}, writes: instanceEvent(control, record, 'RDS-EVENT-0004') }
      const resourceId = newResourceId('snap', control.random)
      const snapshot = await newManualSnapshot(control, record, input.DBSnapshotIdentifier, { resourceId, tags: [] })
      return { input: { snapshot: { name: snapshot.record.id, resourceId } }, writes: snapshot.writes }
    },
  })
}

export function startDbInstance(
  control: Control,
  scope: Scope,
  input: { DBInstanceIdentifier: string },
): Promise<DbInstanceRecord> {
  return order(control, scope, {
    idOrArn: input.DBInstanceIdentifier,
    operation: 'StartDBInstance',
    phase: 'starting',
    flow: 'start-db-instance',
    check: (record, status) => {
      if (record.phase !== 'stopped' && !isRecoverable(record, status))
        throw invalidState(`Instance ${record.id} cannot be started: its status is ${status}, not stopped.`)
    },
    more: () => Promise.resolve({ input: { automatic: false }, writes: NOTHING }),
  })
}
