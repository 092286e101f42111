/** SwitchoverGlobalCluster and FailoverGlobalCluster: which of its clusters becomes the primary, and whether it can. */
import { together } from '#store/collection.ts'
import { auroraKeyOf, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { memberRecords } from '../aurora-cluster/find.ts'
import { auroraStatusOf, candidatesIn } from '../aurora-cluster/sight.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { clusterNotAvailable, invalidClusterState } from '../db-cluster/faults.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { findAuroraCluster } from '../aurora-cluster/record.ts'
import { started } from '../db-instance/started.ts'
import { invalidGlobalState } from './faults.ts'
import { refuseSwitching, requireGlobalCluster, requireMember } from './find.ts'
import { globalClusters, globalSubjectOf, isSame, type GlobalClusterRecord } from './record.ts'

interface Input {
  readonly GlobalClusterIdentifier: string
  readonly TargetDbClusterIdentifier: string
}

/** Nothing that was acknowledged is lost. */
export const switchoverGlobalCluster = (control: Control, scope: Scope, input: Input): Promise<GlobalClusterRecord> =>
  change(control, scope, { input, isDataLossAllowed: false })

export async function failoverGlobalCluster(
  control: Control,
  scope: Scope,
  {
    AllowDataLoss,
    Switchover,
    ...input
  }: Input & { AllowDataLoss?: boolean | undefined; Switchover?: boolean | undefined },
): Promise<GlobalClusterRecord> {
  // AWS: RDS API reference, FailoverGlobalCluster: one of them, and a switchover where there is neither.
  if (AllowDataLoss !== undefined && Switchover !== undefined)
    throw invalidCombination('AllowDataLoss and Switchover cannot be specified together.')
  return change(control, scope, { input, isDataLossAllowed: AllowDataLoss === true })
}

async function change(
  control: Control,
  scope: Scope,
  { input, isDataLossAllowed }: { readonly input: Input; readonly isDataLossAllowed: boolean },
): Promise<GlobalClusterRecord> {
  const { global, flowId } = await transact(control, async () => {
    const held = await requireGlobalCluster(control, scope, input.GlobalClusterIdentifier)
    const found = held.value
    refuseSwitching(found)
    const target = await requireMember(control, scope, { global: found, idOrArn: input.TargetDbClusterIdentifier })
    const to = auroraKeyOf(target.value)
    const from = found.primary
    if (!from || isSame(from, to))
      throw invalidGlobalState(`DB cluster ${to.id} is the primary of global cluster ${found.id} already.`)
    await requireAble(control, target.value)
    if (!isDataLossAllowed) await requireServing(control, (await findAuroraCluster(control, from))?.value)
    const global: GlobalClusterRecord = { ...found, switch: { status: 'pending', from, to, isDataLossAllowed } }
    const { account, resourceId } = found
    const flow = control.flows.start('switch-aurora-global', globalSubjectOf(found), { account, resourceId })
    return {
      mutation: together(globalClusters(control, scope).update(held, global), flow.writes),
      result: { global, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return global
}

/** It has an instance that can become the writer. */
async function requireAble(control: Control, cluster: AuroraClusterRecord): Promise<void> {
  const status = auroraStatusOf(control, cluster)
  if (status !== 'available') throw clusterNotAvailable(cluster.id, status)
  if (candidatesIn(control, cluster, await memberRecords(control, cluster)).length === 0)
    throw invalidClusterState(`DB cluster ${cluster.id} has no instance that could become the writer now.`)
}

async function requireServing(control: Control, primary: AuroraClusterRecord | undefined): Promise<void> {
  if (!primary) throw invalidGlobalState('The primary cluster is gone: use FailoverGlobalCluster with AllowDataLoss.')
  const status = auroraStatusOf(control, primary)
  if (status !== 'available') throw clusterNotAvailable(primary.id, status)
}
