/** RebootDBCluster, and RebootDBInstance of a member. */
import { together } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { instanceEvent } from '../flows/context.ts'
import { clusterNotAvailable } from './faults.ts'
import { requireCluster } from './find.ts'
import { clusterKeyOf, clusterSubjectOf, dbClusters, type DbClusterRecord } from './record.ts'
import { clusterStatusOf } from './sight.ts'

/** A newly associated group comes into force, and so do values that wait for a reboot. */
const adopting = ({ clock }: Pick<Control, 'clock'>, record: DbInstanceRecord): DbInstanceRecord => ({
  ...record,
  phase: 'rebooting',
  appliedParameterGroup: record.parameterGroup,
  parametersAsOf: clock.now(),
  parameterStatus: 'in-sync',
  complaint: undefined,
})

/** Every engine is restarted, the writer's last. */
export async function rebootDbCluster(
  control: Control,
  scope: Scope,
  input: { readonly DBClusterIdentifier: string },
): Promise<DbClusterRecord> {
  return reboot(control, scope, { name: input.DBClusterIdentifier })
}

/** The member where it is: readers go on meanwhile, and a writer stays the writer. */
export async function rebootMember(
  control: Control,
  scope: Scope,
  { id, cluster }: { readonly id: string; readonly cluster: string },
): Promise<void> {
  await reboot(control, scope, { name: cluster, only: id })
}

interface Reboot {
  readonly name: string
  /** Identifier of the one member that is restarted; absent: all are. */
  readonly only?: string
}

async function reboot(control: Control, scope: Scope, { name, only }: Reboot): Promise<DbClusterRecord> {
  const { record, flowId } = await transact(control, async () => {
    const held = await requireCluster(control, scope, name)
    const status = clusterStatusOf(control, held.value)
    if (status !== 'available') throw clusterNotAvailable(held.value.id, status)
    const record: DbClusterRecord = { ...held.value, phase: 'rebooting' }
    const key = clusterKeyOf(record)
    const restarted = record.members.filter(({ id }) => only === undefined || id === only)
    const zone = only === undefined ? {} : { only: restarted[0]!.zone }
    const flow = control.flows.start('reboot-db-cluster', clusterSubjectOf(key), { key, ...zone })
    const members = await Promise.all(restarted.map((member) => dbInstances(control, scope).get(member.id)))
    return {
      mutation: together(
        dbClusters(control, scope).update(held, record),
        ...members.flatMap((member) =>
          member
            ? [
                dbInstances(control, scope).update(member, adopting(control, member.value)),
                instanceEvent(control, member.value, 'RDS-EVENT-0004'),
              ]
            : [],
        ),
        flow.writes,
      ),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}
