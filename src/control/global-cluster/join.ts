/** What CreateDBCluster does where the new cluster is to belong to a global one: as its primary, or as a secondary. */
import type { CreateDBClusterMessage } from '@aws-sdk/client-rds'
import { NOTHING, type Mutation } from '#store/collection.ts'
import { findAuroraCluster, type AuroraClusterRecord, type GlobalPart } from '../aurora-cluster/record.ts'
import { auroraStatusOf } from '../aurora-cluster/sight.ts'
import type { Control, Scope } from '../control.ts'
import { clusterNotAvailable, invalidClusterState } from '../db-cluster/faults.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import type { ClusterKey } from '../db-instance/record.ts'
import { imagesOf } from '../volume/images.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { follow } from '../volume/relays.ts'
import { invalidGlobalState } from './faults.ts'
import { refuseSwitching, requireGlobalCluster } from './find.ts'
import { globalClusters, type GlobalClusterRecord } from './record.ts'

/** AWS: Aurora user guide, "Using Amazon Aurora Global Database": up to five secondary regions. */
const SECONDARIES_MAX = 5

/** What all clusters of a global one have of its primary. AWS: RDS API reference, CreateDBCluster. */
const OF_THE_PRIMARY = [
  'MasterUsername',
  'MasterUserPassword',
  'ManageMasterUserPassword',
  'MasterUserSecretKmsKeyId',
  'DatabaseName',
] as const satisfies readonly (keyof CreateDBClusterMessage)[]

export interface Joining {
  /** Of a secondary. */
  readonly primary: AuroraClusterRecord | undefined
  readonly part: GlobalPart | undefined
  /** What a primary's database is called, where its own request does not say. */
  readonly databaseName: string | undefined
  readonly engineVersion: string | undefined
  /** The row of the new cluster's volume. */
  volume(fresh: VolumeRecord): VolumeRecord
  /** The write by which the global cluster has it. */
  writes(key: ClusterKey): Mutation
}

const ALONE: Joining = {
  primary: undefined,
  part: undefined,
  databaseName: undefined,
  engineVersion: undefined,
  volume: (fresh) => fresh,
  writes: () => NOTHING,
}

/** Throws GlobalClusterNotFoundFault, and what the request may not ask for. */
export async function joinGlobal(control: Control, scope: Scope, input: CreateDBClusterMessage): Promise<Joining> {
  if (input.GlobalClusterIdentifier === undefined) return ALONE
  const held = await requireGlobalCluster(control, scope, input.GlobalClusterIdentifier)
  const global = held.value
  refuseSwitching(global)
  const version = input.EngineVersion
  if (version !== undefined && version !== global.engineVersion && version !== global.engineVersion.split('.')[0])
    throw invalidCombination(
      `The engine version ${version} does not match that of global cluster ${global.id}, which is ${global.engineVersion}.`,
    )
  const isSecondary = global.primary !== undefined
  const joined = {
    part: { resourceId: global.resourceId, isSecondary },
    databaseName: global.databaseName,
    engineVersion: global.engineVersion,
    writes: (key: ClusterKey) => globalClusters(control, scope).update(held, withMember(global, key)),
  }
  if (!global.primary) return { ...ALONE, ...joined }
  const primary = await requirePrimary(control, global, global.primary)
  requireRoom(global, scope.region)
  for (const member of OF_THE_PRIMARY)
    if (input[member] !== undefined)
      throw invalidCombination(`Cannot specify ${member} for a secondary cluster: it has that of the global cluster.`)
  return {
    ...joined,
    primary,
    volume: (fresh) => follow(fresh, { source: global.primary!, zone: control.hosts.zones[0]! }),
  }
}

const withMember = (global: GlobalClusterRecord, key: ClusterKey): GlobalClusterRecord =>
  global.primary ? { ...global, secondaries: [...global.secondaries, key] } : { ...global, primary: key }

/** One that has a writer: without, nobody reads its log. */
async function requirePrimary(
  control: Control,
  { id }: GlobalClusterRecord,
  key: ClusterKey,
): Promise<AuroraClusterRecord> {
  const primary = (await findAuroraCluster(control, key))?.value
  if (!primary) throw invalidGlobalState(`The primary cluster of global cluster ${id} is gone.`)
  const status = auroraStatusOf(control, primary)
  if (status !== 'available') throw clusterNotAvailable(primary.id, status)
  const volume = (await volumes(control, key).get(key.resourceId))?.value
  const seed = volume?.seed
  if (seed && (await imagesOf(control, key, volume.id)).prunedTo > seed.start)
    throw invalidClusterState(
      `The log of the primary cluster ${primary.id} has no beginning any more, which a secondary needs in Holdfast: put a cluster into a global one before it has written much.`,
    )
  if (!primary.isOpen || !seed)
    throw invalidClusterState(`The primary cluster ${primary.id} of global cluster ${id} has no writer instance.`)
  return primary
}

function requireRoom({ id, primary, secondaries }: GlobalClusterRecord, region: string): void {
  if ([primary!, ...secondaries].some((one) => one.region === region))
    throw invalidGlobalState(`Global cluster ${id} has a DB cluster in ${region} already.`)
  if (secondaries.length >= SECONDARIES_MAX)
    throw invalidGlobalState(`Global cluster ${id} has ${SECONDARIES_MAX} secondary clusters, the most there can be.`)
}
