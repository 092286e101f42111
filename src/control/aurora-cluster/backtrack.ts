/** BacktrackDBCluster and DescribeDBClusterBacktracks. Of Aurora PostgreSQL this is Holdfast's own: AWS has it for Aurora MySQL. */
import type { BacktrackDBClusterMessage, DBClusterBacktrack, Filter } from '@aws-sdk/client-rds'
import { DBClusterBacktrackNotFoundFault } from '@aws-sdk/client-rds'
import { resourceId as newResourceId } from '#host/random.ts'
import { together } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { requireAnyCluster } from '../cluster/names.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { clusterNotAvailable, invalidClusterState } from '../db-cluster/faults.ts'
import { invalidValue } from '../db-instance/faults.ts'
import { withPause } from '../db-instance/pause.ts'
import { dbInstances } from '../db-instance/record.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { started } from '../db-instance/started.ts'
import { connectedZone } from '../hosts.ts'
import { requireBacktrackTime } from './backtrack-rules.ts'
import { addBacktrack, backtrackId, backtracks, backtracksOf, strandAt, type BacktrackRecord } from './backtracks.ts'
import { auroraRestoreWindow } from './backups.ts'
import { isBeingCloned } from './clones.ts'
import { memberRecords, requireAuroraCluster } from './find.ts'
import { auroraClusters, auroraKeyOf, auroraSubjectOf, type AuroraClusterRecord } from './record.ts'
import { auroraStatusOf } from './sight.ts'

type Input = BacktrackDBClusterMessage & { DBClusterIdentifier: string; BacktrackTo: Date }

/** All sessions end, and the cluster comes back with what it had at a time. `Force` is about binary logs, which there are none of. */
export async function backtrackCluster(control: Control, scope: Scope, input: Input): Promise<DBClusterBacktrack> {
  const { engine } = await requireAnyCluster(control, scope, input.DBClusterIdentifier)
  if (engine === 'postgres') throw invalidClusterState('Backtrack is not supported for Multi-AZ DB clusters.')
  const { backtrack, flowId } = await transact(control, async () => {
    const held = await requireAuroraCluster(control, scope, input.DBClusterIdentifier)
    const cluster = held.value
    const members = [...(await memberRecords(control, cluster)).values()]
    await requireReady(control, cluster)
    const busy = members.find(({ value }) => value.phase !== 'available')?.value
    if (busy)
      throw invalidClusterState(
        `DB cluster ${cluster.id} cannot be backtracked: its DB instance ${busy.id} is ${busy.phase}.`,
      )
    const now = control.clock.now()
    const to = requireBacktrackTime(cluster, input, { now, restorable: await auroraRestoreWindow(control, cluster) })
    await requireArchived(control, cluster, to)
    const key = auroraKeyOf(cluster)
    const backtrack: BacktrackRecord = {
      id: control.random.uuid(),
      cluster: key,
      status: 'pending',
      requestedAt: now,
      to,
      from: now,
      strand: newResourceId('cluster', control.random),
    }
    const flow = control.flows.start('backtrack-aurora-cluster', auroraSubjectOf(key), { key, backtrack: backtrack.id })
    return {
      mutation: together(
        // Whoever was paused is not when it comes back.
        auroraClusters(control, scope).update(held, { ...cluster, phase: 'backtracking', isAsleep: false }),
        ...members.map((member) =>
          dbInstances(control, scope).update(member, { ...withPause(member.value, undefined), phase: 'backtracking' }),
        ),
        await addBacktrack(control, backtrack),
        flow.writes,
      ),
      result: { backtrack, flowId: flow.id },
    }
  })
  await started(control, flowId)
  const stored = await backtracks(control, scope).get(backtrackId(backtrack.cluster, backtrack.id))
  return describeBacktrack(stored?.value ?? backtrack)
}

async function requireReady(control: Control, cluster: AuroraClusterRecord): Promise<void> {
  // AWS: Aurora user guide, "Backtracking limitations": not with replication to other regions.
  if (cluster.global)
    throw invalidClusterState(`DB cluster ${cluster.id} is a part of a global cluster, and cannot be backtracked.`)
  const status = auroraStatusOf(control, cluster)
  if (status !== 'available') throw clusterNotAvailable(cluster.id, status)
  if (await isBeingCloned(control, auroraKeyOf(cluster)))
    throw invalidClusterState(`DB cluster ${cluster.id} is being cloned. Try again when that is done.`)
}

/** What is missing is said before anybody is cut off. Log of the last seconds may be on its way. */
async function requireArchived(control: Control, cluster: AuroraClusterRecord, time: number): Promise<void> {
  const zone = connectedZone(control.hosts)
  if (zone === undefined) throw invalidClusterState('No host can be reached now. Try again later.')
  const prefix = archivePrefix(await strandAt(control, cluster, time))
  const { missing } = await control.hosts.ask(zone, 'archive.check', { prefix, time })
  if (missing !== undefined) throw invalidClusterState(`DB cluster ${cluster.id} cannot be backtracked: ${missing}.`)
}

const describeBacktrack = ({ id, cluster, status, requestedAt, to, from }: BacktrackRecord): DBClusterBacktrack => ({
  DBClusterIdentifier: cluster.id,
  BacktrackIdentifier: id,
  BacktrackTo: new Date(to),
  BacktrackedFrom: new Date(from),
  BacktrackRequestCreationTime: new Date(requestedAt),
  Status: status,
})

interface AskedBacktracks {
  readonly DBClusterIdentifier: string
  readonly BacktrackIdentifier?: string | undefined
  readonly Filters?: Filter[] | undefined
}

const FILTERS: Readonly<Record<string, (record: BacktrackRecord) => string>> = {
  'db-cluster-backtrack-id': ({ id }) => id,
  'db-cluster-backtrack-status': ({ status }) => status,
}

/** Oldest first. Throws DBClusterNotFoundFault, DBClusterBacktrackNotFoundFault, InvalidParameterValue. */
export async function listBacktracks(
  control: Control,
  scope: Scope,
  { DBClusterIdentifier, BacktrackIdentifier: wanted, Filters = [] }: AskedBacktracks,
): Promise<DBClusterBacktrack[]> {
  for (const { Name } of Filters) if (!FILTERS[Name ?? '']) throw invalidValue(`Unrecognized filter name: ${Name}`)
  const { engine } = await requireAnyCluster(control, scope, DBClusterIdentifier)
  const held = engine === 'postgres' ? undefined : await requireAuroraCluster(control, scope, DBClusterIdentifier)
  const all = held ? (await backtracksOf(control, held.value)).map(({ value }) => value) : []
  const asked = all.filter(({ id }) => wanted === undefined || id === wanted.toLowerCase())
  if (wanted !== undefined && asked.length === 0)
    throw fault(DBClusterBacktrackNotFoundFault, `DB cluster backtrack ${wanted} not found.`)
  const matches = (record: BacktrackRecord): boolean =>
    Filters.every(({ Name, Values = [] }) =>
      Values.some((value) => value.toLowerCase() === FILTERS[Name!]!(record).toLowerCase()),
    )
  return asked.filter(matches).map(describeBacktrack)
}
