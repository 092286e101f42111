/** StopDBCluster and StartDBCluster. */
import { together } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { clusterNotAvailable, invalidClusterState } from '../db-cluster/faults.ts'
import { withPause } from '../db-instance/pause.ts'
import { dbInstances, type Phase } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { memberRecords, requireAuroraCluster } from './find.ts'
import { auroraClusters, auroraKeyOf, auroraSubjectOf, type AuroraClusterRecord } from './record.ts'
import { auroraStatusOf } from './sight.ts'

interface Order {
  readonly phase: 'stopping' | 'starting'
  readonly flow: 'stop-aurora-cluster' | 'start-aurora-writer'
  /** Throws unless it can be done now. */
  readonly check: (cluster: AuroraClusterRecord, phases: readonly Phase[]) => void
}

/** All instances stop, and the volume is nobody's to write. AWS: Aurora user guide, "Stopping and starting an Aurora DB cluster". */
export const stopAuroraCluster = (control: Control, scope: Scope, idOrArn: string): Promise<AuroraClusterRecord> =>
  order(control, scope, idOrArn, {
    phase: 'stopping',
    flow: 'stop-aurora-cluster',
    check: (cluster, phases) => {
      const status = auroraStatusOf(control, cluster)
      if (status !== 'available') throw clusterNotAvailable(cluster.id, status)
      const busy = phases.find((phase) => phase !== 'available')
      if (busy !== undefined)
        throw invalidClusterState(`DB cluster ${cluster.id} cannot be stopped: a DB instance of it is ${busy}.`)
    },
  })

export const startAuroraCluster = (control: Control, scope: Scope, idOrArn: string): Promise<AuroraClusterRecord> =>
  order(control, scope, idOrArn, {
    phase: 'starting',
    flow: 'start-aurora-writer',
    check: ({ id, phase }) => {
      if (phase !== 'stopped')
        throw invalidClusterState(`DB cluster ${id} cannot be started: its status is ${phase}, not stopped.`)
    },
  })

async function order(
  control: Control,
  scope: Scope,
  idOrArn: string,
  { phase, flow: name, check }: Order,
): Promise<AuroraClusterRecord> {
  const { record, flowId } = await transact(control, async () => {
    const held = await requireAuroraCluster(control, scope, idOrArn)
    // AWS: Aurora user guide, "Limitations for stopping and starting Aurora DB clusters".
    if (held.value.global)
      throw invalidClusterState(`DB cluster ${held.value.id} is a part of a global cluster, and cannot be stopped.`)
    const members = [...(await memberRecords(control, held.value)).values()]
    check(
      held.value,
      members.map(({ value }) => value.phase),
    )
    // What is stopped is not paused, and starts as all others do.
    const record: AuroraClusterRecord = { ...held.value, phase, isAsleep: false }
    const key = auroraKeyOf(record)
    const why = { why: 'start', because: 'The DB cluster is started.' }
    const flow = control.flows.start(name, auroraSubjectOf(key), { key, ...(phase === 'starting' && why) })
    return {
      mutation: together(
        auroraClusters(control, scope).update(held, record),
        ...members.map((member) =>
          dbInstances(control, scope).update(member, { ...withPause(member.value, undefined), phase }),
        ),
        flow.writes,
      ),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}
