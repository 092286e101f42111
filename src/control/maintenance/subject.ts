/** What has maintenance before it: a DB instance, or a DB cluster with its members, which are alike. */
import { together, type Held, type Mutation } from '#store/collection.ts'
import { rdsArn } from '../arn.ts'
import type { Control } from '../control.ts'
import { startChange, type ChangeName } from '../db-cluster/changes.ts'
import { clusterNotAvailable, invalidClusterState } from '../db-cluster/faults.ts'
import { clusterKeyOf, dbClusters, memberIn, type DbClusterRecord } from '../db-cluster/record.ts'
import { clusterStatusOf } from '../db-cluster/sight.ts'
import { instanceNotAvailable, invalidState } from '../db-instance/faults.ts'
import {
  dbInstances,
  type DbInstanceRecord,
  type MaintenanceNotes,
  type PendingChanges,
} from '../db-instance/record.ts'
import { startModification } from '../db-instance/start-modification.ts'
import { statusOf } from '../db-instance/status.ts'
import { instanceEvent } from '../flows/context.ts'
import { clusterEvent } from '../flows/db-cluster-context.ts'
import type { Maintained, PendingAction } from './actions.ts'

export interface Subject extends Maintained {
  /** As texts call it. */
  readonly name: string
  readonly arn: string
  readonly status: string
  /** What a request is answered that cannot be granted in this status. */
  notAvailable(): Error
  invalidState(message: string): Error
  /** The write that keeps these notes. */
  keep(notes: MaintenanceNotes): Mutation
  /** The write that tells of a newer minor version. */
  announce(version: string): Mutation
  /** Writes that start the flow which makes these changes, and keep the notes. */
  start(changes: PendingChanges, notes: MaintenanceNotes): Begun
}

export interface Begun {
  readonly flowId: string
  /** While the changes are made. */
  readonly status: string
  readonly writes: Mutation
}

export function instanceSubject(control: Control, held: Held<DbInstanceRecord>): Subject {
  const record = held.value
  const write = (changes: Partial<DbInstanceRecord>): Mutation =>
    dbInstances(control, record).update(held, { ...record, ...changes })
  return {
    ...factsOf(record),
    name: `instance ${record.id}`,
    arn: rdsArn(record, 'db', record.id),
    status: statusOf(control, record),
    notAvailable: () => instanceNotAvailable(record.id, statusOf(control, record)),
    invalidState,
    keep: (maintenance) => write({ maintenance }),
    announce: (version) => instanceEvent(control, record, 'RDS-EVENT-0155', announcement('instance', version)),
    start(changes, maintenance) {
      const apply = Object.keys(changes) as (keyof PendingChanges)[]
      const { flowId, phase, writes } = startModification(control, record, { apply, isMaintenance: true })
      const pending = { ...record.pending, ...changes }
      return { flowId, status: phase, writes: together(write({ pending, maintenance, phase }), writes) }
    },
  }
}

export async function clusterSubject(control: Control, held: Held<DbClusterRecord>): Promise<Subject> {
  const cluster = held.value
  const key = clusterKeyOf(cluster)
  const members = await Promise.all(cluster.members.map(async ({ id }) => (await dbInstances(control, key).get(id))!))
  const writer = members.find(({ value }) => value.resourceId === memberIn(cluster, cluster.writer).resourceId)!
  const write = (changes: Partial<DbClusterRecord>): Mutation =>
    dbClusters(control, key).update(held, { ...cluster, ...changes })
  return {
    settings: cluster.settings,
    pending: cluster.pending ?? {},
    certificate: writer.value.certificate,
    ...(cluster.maintenance && { maintenance: cluster.maintenance }),
    name: `DB cluster ${cluster.id}`,
    arn: rdsArn(cluster, 'cluster', cluster.id),
    status: clusterStatusOf(control, cluster),
    notAvailable: () => clusterNotAvailable(cluster.id, clusterStatusOf(control, cluster)),
    invalidState: invalidClusterState,
    keep: (maintenance) => write({ maintenance }),
    announce: (version) => clusterEvent(control, cluster, 'RDS-EVENT-0156', announcement('cluster', version)),
    start(changes, maintenance) {
      const asked = { ...cluster, pending: { ...cluster.pending, ...changes } }
      const apply = Object.keys(changes) as ChangeName[]
      const records = members.map(({ value }) => value)
      const { flowId, phase, writes } = startChange(control, asked, { apply, members: records })
      return {
        flowId,
        status: phase,
        writes: together(
          write({ pending: asked.pending, maintenance, phase }),
          ...members.map((member) => dbInstances(control, key).update(member, { ...member.value, phase })),
          writes,
        ),
      }
    },
  }
}

/** Starts these actions now, in one flow: an upgrade and a new certificate cost one restart. */
export function beginMaintenance(
  control: Pick<Control, 'clock'>,
  subject: Pick<Subject, 'maintenance' | 'start'>,
  actions: readonly PendingAction[],
): Begun {
  const now = control.clock.now()
  let changes: PendingChanges = {}
  let { maintenance } = subject
  for (const { action, change } of actions) {
    changes = { ...changes, ...change }
    maintenance = { ...maintenance, [action]: { noticedAt: now, ...maintenance?.[action], attemptedAt: now } }
  }
  return subject.start(changes, maintenance ?? {})
}

const factsOf = ({ settings, pending, certificate, maintenance }: DbInstanceRecord): Maintained => ({
  settings,
  pending,
  certificate,
  ...(maintenance && { maintenance }),
})

const announcement = (kind: 'instance' | 'cluster', version: string): string =>
  `The DB ${kind} has a DB engine minor version upgrade available: ${version}`
