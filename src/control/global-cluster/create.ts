/** CreateGlobalCluster: empty, or with a DB cluster that is there as its primary. */
import type { CreateGlobalClusterMessage } from '@aws-sdk/client-rds'
import { GlobalClusterQuotaExceededFault } from '@aws-sdk/client-rds'
import { resourceId as newResourceId } from '#host/random.ts'
import { together } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { auroraKeyOf, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { requireAurora } from '../aurora-cluster/settings.ts'
import { auroraStatusOf } from '../aurora-cluster/sight.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { clusterNotAvailable, invalidClusterState } from '../db-cluster/faults.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { requireDatabaseName, requireIdentifier } from '../db-instance/identifiers.ts'
import { resolveVersion } from '../db-instance/settings.ts'
import { checkTags } from '../tag/tags.ts'
import { globalExists } from './faults.ts'
import { requireClusterAnywhere } from './find.ts'
import { globalClusters, joined, type GlobalClusterRecord } from './record.ts'

/** Of an account: as many as it may have DB clusters in a region, since each has one to be the primary. */
const GLOBAL_CLUSTERS_MAX = 40

type Input = CreateGlobalClusterMessage & { GlobalClusterIdentifier: string }

/** What the primary has, and its global cluster with it. AWS: RDS API reference, CreateGlobalCluster. */
const OF_THE_SOURCE = ['Engine', 'EngineVersion', 'DatabaseName', 'StorageEncrypted'] as const

export async function createGlobalCluster(control: Control, scope: Scope, input: Input): Promise<GlobalClusterRecord> {
  const id = requireIdentifier('GlobalClusterIdentifier', input.GlobalClusterIdentifier)
  const source = input.SourceDBClusterIdentifier
  if (source === undefined) requireAurora(control, input.Engine ?? 'aurora-postgresql')
  else refuseBesideSource(input)
  if (source === undefined && input.Engine === undefined)
    throw invalidCombination('When creating standalone global cluster, value for engineName should be specified')
  if (input.StorageEncrypted) throw invalidCombination('Encryption at rest is not available yet.')
  const tags = checkTags(input.Tags ?? [])
  return transact(control, async () => {
    const there = await globalClusters(control, scope).list()
    if (there.some(({ value }) => value.id === id)) throw globalExists(id)
    if (there.length >= GLOBAL_CLUSTERS_MAX)
      throw fault(GlobalClusterQuotaExceededFault, 'The quota of global DB clusters is exceeded.')
    const primary = source === undefined ? undefined : await requireClusterAnywhere(control, scope, source)
    if (primary) requireFit(control, primary.value)
    const { DatabaseName: database } = input
    const asked = database === undefined ? undefined : requireDatabaseName(database)
    const global: GlobalClusterRecord = {
      id,
      resourceId: newResourceId('cluster', control.random).toLowerCase(),
      account: scope.account,
      createdAt: control.clock.now(),
      engineVersion:
        primary?.value.shared.EngineVersion ??
        resolveVersion(control, input.EngineVersion, 'aurora-postgresql').version,
      databaseName: primary ? primary.value.databaseName : asked,
      deletionProtection: input.DeletionProtection ?? false,
      primary: primary && auroraKeyOf(primary.value),
      secondaries: [],
      tags,
    }
    const part = { resourceId: global.resourceId, isSecondary: false }
    const writes = globalClusters(control, scope).create(id, global)
    return {
      mutation: primary ? together(writes, joined(control, primary, { global: part })) : writes,
      result: global,
    }
  })
}

function refuseBesideSource(input: Input): void {
  for (const member of OF_THE_SOURCE)
    if (input[member] !== undefined)
      throw invalidCombination(
        `When creating global cluster from existing db cluster, value for ${member} should not be specified since it will be inherited from source cluster`,
      )
}

function requireFit(control: Control, cluster: AuroraClusterRecord): void {
  if (cluster.global) throw invalidClusterState(`DB cluster ${cluster.id} is a part of a global cluster already.`)
  if (cluster.backtrackWindow || cluster.pastStrands)
    throw invalidClusterState(
      `DB cluster ${cluster.id} can be, or was, backtracked, and cannot be a part of a global cluster.`,
    )
  const status = auroraStatusOf(control, cluster)
  if (status !== 'available') throw clusterNotAvailable(cluster.id, status)
}
