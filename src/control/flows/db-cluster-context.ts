/** What the steps of a DB cluster's flows work with. */
import type { EventId } from '#catalog/events.ts'
import { done, type Next } from '#flow/flow.ts'
import { together, type Held, type Mutation } from '#store/collection.ts'
import type { JobKinds } from '#wire/agent/messages.ts'
import { rdsArn } from '../arn.ts'
import type { Control } from '../control.ts'
import { placementIn } from '../db-cluster/placement.ts'
import {
  clusterTimersOf,
  dbClusters,
  findCluster,
  type DbClusterRecord,
  type Member,
  type MemberRecords,
} from '../db-cluster/record.ts'
import { dbInstances, type ClusterKey, type DbInstanceRecord, type Phase } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { recordEvent } from '../event/event.ts'
import { jobOn, type FlowContext, type JobOutcome } from './context.ts'

export interface ClusterInput {
  readonly key: ClusterKey
}

export type ClusterContext = FlowContext<ClusterInput>

/** A cluster as read, with the records of its members by zone. */
export interface HeldCluster {
  readonly held: Held<DbClusterRecord>
  readonly cluster: DbClusterRecord
  readonly members: MemberRecords
}

/** The flow's cluster. Undefined once it is deleted. */
export async function clusterOf(c: ClusterContext): Promise<HeldCluster | undefined> {
  const held = await findCluster(c.control, c.input.key)
  if (!held) return undefined
  const members = new Map<string, Held<DbInstanceRecord>>()
  for (const { zone, id } of held.value.members) {
    const member = await dbInstances(c.control, c.input.key).get(id)
    if (member) members.set(zone, member)
  }
  return { held, cluster: held.value, members }
}

export const replaceCluster = (c: ClusterContext, { held }: HeldCluster, cluster: DbClusterRecord): Mutation =>
  dbClusters(c.control, c.input.key).update(held, cluster)

export const changeCluster = (c: ClusterContext, cl: HeldCluster, changes: Partial<DbClusterRecord>): Mutation =>
  replaceCluster(c, cl, { ...cl.cluster, ...changes })

/** The write that changes the members' records all alike. */
export const changeMembers = (
  c: ClusterContext,
  { members }: HeldCluster,
  changes: Partial<DbInstanceRecord> & { readonly phase?: Phase },
): Mutation =>
  together(
    ...[...members.values()].map((held) =>
      dbInstances(c.control, c.input.key).update(held, { ...held.value, ...changes }),
    ),
  )

/** Of a DB cluster of either kind. */
export function clusterEvent(
  control: Control,
  cluster: Pick<DbClusterRecord, 'id' | 'account' | 'region'>,
  id: EventId,
  message?: string,
): Mutation {
  return recordEvent(control, cluster, {
    id,
    sourceType: 'db-cluster',
    sourceId: cluster.id,
    sourceArn: rdsArn(cluster, 'cluster', cluster.id),
    ...(message !== undefined && { message }),
  })
}

/** The spec of a member, where the cluster is as given, whatever the store says by now. */
export const memberSpec = async (
  c: ClusterContext,
  { members }: Pick<HeldCluster, 'members'>,
  { cluster, zone }: { readonly cluster: DbClusterRecord; readonly zone: string },
): Promise<JobKinds['instance.start']['input']['spec']> => {
  const record = members.get(zone)!.value
  return instanceSpec(c.control, record, await placementIn(c.control, cluster, record))
}

/** Kinds of job that take nothing but a spec. */
type SpecKind =
  | 'instance.reload'
  | 'instance.start'
  | 'instance.restart'
  | 'instance.synchronize'
  | 'instance.promote'
  | 'instance.seal'

/** A job that brings a member its spec, as the cluster is. */
export const bring = <K extends SpecKind>(
  c: ClusterContext,
  cl: HeldCluster,
  { member, ...request }: { readonly member: Member; readonly name: string; readonly kind: K },
): Promise<JobOutcome<K>> => {
  const input = async (): Promise<JobKinds[K]['input']> => ({
    spec: await memberSpec(c, cl, { cluster: cl.cluster, zone: member.zone }),
  })
  return jobOn<K>(c, member, { ...request, input })
}

/** Drops this flow's ended jobs from the tables of the hosts that can be reached. */
export async function forgetClusterJobs(c: ClusterContext, cluster: DbClusterRecord): Promise<void> {
  for (const { zone, resourceId } of cluster.members)
    if (c.control.hosts.isConnected(zone)) await c.control.hosts.forgetJobs(zone, `${resourceId}/${c.flowId}/`)
}

/** The last step of a flow that has done what it was for. */
export async function clusterFinished(c: ClusterContext, outcome: string): Promise<Next<never>> {
  const cl = await clusterOf(c)
  if (cl) await forgetClusterJobs(c, cl.cluster)
  c.control.flows.wakeSubjects(clusterTimersOf(c.input.key))
  return done(outcome)
}

/** The last step of a flow that left the cluster unusable. */
export async function clusterFailed(c: ClusterContext, fallback: string): Promise<Next<never>> {
  const cl = await clusterOf(c)
  if (!cl) return done('deleted')
  const complaint = cl.cluster.complaint ?? c.lastError ?? fallback
  await forgetClusterJobs(c, cl.cluster)
  return done(
    'failed',
    changeCluster(c, cl, { phase: 'failed', complaint }),
    changeMembers(c, cl, { phase: 'failed', complaint }),
  )
}
