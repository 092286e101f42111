/** CreateDBCluster: what is checked before anything exists, and the one transaction that makes a cluster and its members. */
import type { CreateDBClusterMessage } from '@aws-sdk/client-rds'
import { InsufficientDBClusterCapacityFault } from '@aws-sdk/client-rds'
import { resourceId as newResourceId } from '#host/random.ts'
import { together, type Mutation } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { rdsArn } from '../arn.ts'
import type { ClusterOrigin } from '../cluster/origin.ts'
import { clusterNameTaken, requireFreeClusterName } from '../cluster/names.ts'
import { commit, type Control, type Scope } from '../control.ts'
import { newRecord, required } from '../db-instance/create.ts'
import { instanceExists } from '../db-instance/faults.ts'
import {
  requireDatabaseName,
  requireIdentifier,
  requireMasterUsername,
  requirePort,
} from '../db-instance/identifiers.ts'
import { newMaster } from '../db-instance/master.ts'
import { choosePort, choosePorts } from '../db-instance/ports.ts'
import { dbInstanceNames, dbInstances, nameIndexOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { resolveVersion } from '../db-instance/settings.ts'
import { started } from '../db-instance/started.ts'
import { requireQuota } from '../quota/quotas.ts'
import { checkTags } from '../tag/tags.ts'
import { scheduleClusterBackups } from './backups.ts'
import { clusterKeyOf, clusterSubjectOf, dbClusters, type DbClusterRecord, type Member } from './record.ts'
import {
  clusterParameterGroupOf,
  newClusterSettings,
  refuseForCluster,
  resolveClusterParameterGroup,
} from './settings.ts'

/** A writer and two readers, each in a zone of its own. */
const MEMBERS = 3

/** Names of members have a suffix. AWS: a cluster's identifier has up to 63 characters, less where members are named for it. */
const ID_LENGTH_MAX = 52

/** Losing a race for a port or a name this often in a row means something else is wrong. */
const RACES_MAX = 20

type Input = CreateDBClusterMessage & { DBClusterIdentifier: string; Engine: string }

export async function createDbCluster(control: Control, scope: Scope, input: Input): Promise<DbClusterRecord> {
  const id = requireClusterIdentifier(input.DBClusterIdentifier)
  await requireFreeClusterName(control, scope, id)
  refuseForCluster(control, input)
  await requireRoomForCluster(control, scope)
  const version = resolveVersion(control, input.EngineVersion)
  const username = requireMasterUsername(required(input.MasterUsername, 'MasterUsername'))
  const databaseName = input.DatabaseName === undefined ? undefined : requireDatabaseName(input.DatabaseName)
  const groupName = input.DBClusterParameterGroupName ?? `default.postgres${version.major}`
  const asked = { name: groupName, engineVersion: version.version }
  const parameterGroup = await resolveClusterParameterGroup(control, scope, asked)
  const settings = await newClusterSettings(control, scope, input, version)
  const tags = checkTags(input.Tags ?? [])
  const { master, writes: secret } = await newMaster(control, scope, {
    username,
    password: input.MasterUserPassword,
    managed: input.ManageMasterUserPassword,
    kmsKeyId: input.MasterUserSecretKmsKeyId,
    instanceArn: rdsArn(scope, 'cluster', id),
  })
  return registerCluster(control, scope, {
    draft: { id, settings, parameterGroup, master, databaseName, tags },
    wantedPort: requirePort('Port', input.Port ?? control.ports.preferred),
    extra: secret,
  })
}

/** What a new cluster needs to be let in at all. */
export async function requireRoomForCluster(control: Control, scope: Scope): Promise<void> {
  if (control.hosts.zones.length < MEMBERS)
    throw fault(InsufficientDBClusterCapacityFault, `A DB cluster needs ${MEMBERS} Availability Zones.`)
  await requireQuota(control, scope, 'DBClusters')
  await requireQuota(control, scope, 'DBInstances', MEMBERS)
}

export function requireClusterIdentifier(id: string): string {
  return requireIdentifier('DBClusterIdentifier', id, ID_LENGTH_MAX)
}

interface NewCluster {
  readonly draft: Omit<Draft, 'resourceId' | 'port' | 'readerPort'>
  readonly wantedPort: number
  readonly extra: Mutation
  /** Where its data comes from; absent: it is new. */
  readonly origin?: ClusterOrigin
}

/** The one transaction, tried again where somebody else was faster with a port. */
export async function registerCluster(
  control: Control,
  scope: Scope,
  { draft, wantedPort, extra, origin }: NewCluster,
): Promise<DbClusterRecord> {
  const { id } = draft
  for (let race = 0; race < RACES_MAX; race++) {
    const resourceId = newResourceId('cluster', control.random)
    const { port, writes } = await choosePort(control, wantedPort, resourceId)
    const more = await choosePorts(control, { count: 2 * MEMBERS + 1, except: port, owner: resourceId })
    const [readerPort, ...ports] = more.ports
    const cluster = newCluster(control, scope, { ...draft, resourceId, port, readerPort: readerPort! })
    const members = cluster.members.map((member, i) =>
      newMember(control, cluster, { ...member, port: ports[i]!, enginePort: ports[MEMBERS + i]! }),
    )
    const flow = control.flows.start('create-db-cluster', clusterSubjectOf(clusterKeyOf(cluster)), {
      key: clusterKeyOf(cluster),
      ...origin,
    })
    const hasBackups = cluster.settings.BackupRetentionPeriod > 0
    const { committed } = await commit(
      control,
      together(
        dbClusters(control, scope).create(id, cluster),
        clusterNameTaken(control, scope, { id, by: 'multi-az' }),
        ...members.map((member) => dbInstances(control, scope).create(member.id, member)),
        ...members.map((member) => dbInstanceNames(control).create(nameIndexOf(member), { id: member.id })),
        writes,
        more.writes,
        extra,
        flow.writes,
        ...(hasBackups ? [await scheduleClusterBackups(control, cluster)] : []),
      ),
    )
    if (committed) {
      await started(control, flow.id)
      return cluster
    }
    await requireFreeClusterName(control, scope, id)
    for (const member of members) if (await dbInstances(control, scope).get(member.id)) throw instanceExists()
  }
  throw new Error('a new DB cluster lost every race for a port')
}

type Draft = Pick<
  DbClusterRecord,
  'id' | 'resourceId' | 'settings' | 'parameterGroup' | 'master' | 'databaseName' | 'port' | 'readerPort' | 'tags'
>

function newCluster(control: Control, scope: Scope, draft: Draft): DbClusterRecord {
  const members: Member[] = control.hosts.zones.slice(0, MEMBERS).map((zone, i) => ({
    zone,
    id: `${draft.id}-instance-${i + 1}`,
    resourceId: newResourceId('db', control.random),
    state: i === 0 ? 'following' : 'missing',
  }))
  return {
    ...draft,
    account: scope.account,
    region: scope.region,
    createdAt: control.clock.now(),
    engine: 'postgres',
    phase: 'creating',
    complaint: undefined,
    endpointKnown: false,
    members,
    writer: members[0]!.zone,
    awaited: [],
    electorate: [],
    isSealed: false,
    generation: 1,
    told: 0,
    readers: [],
    stoppedAt: undefined,
  }
}

/** A DB instance like any other, with its endpoint before it, that is managed by its cluster alone. */
function newMember(
  control: Control,
  cluster: DbClusterRecord,
  { id, resourceId, zone, port, enginePort }: Member & { readonly port: number; readonly enginePort: number },
): DbInstanceRecord {
  const { account, region, settings, master, databaseName, tags } = cluster
  const parameterGroup = clusterParameterGroupOf(cluster)
  const known = { id, resourceId, zone, port, settings, master, databaseName, parameterGroup, tags }
  return {
    ...newRecord(control, { account, region }, known),
    cluster: clusterKeyOf(cluster),
    copyPorts: { byZone: { [zone]: enginePort }, isDirect: false },
  }
}
