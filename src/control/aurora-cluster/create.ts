/** CreateDBCluster of an Aurora DB cluster: its volume and its addresses, and no instance yet. */
import type { CreateDBClusterMessage } from '@aws-sdk/client-rds'
import { InsufficientDBClusterCapacityFault } from '@aws-sdk/client-rds'
import { resourceId as newResourceId } from '#host/random.ts'
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { rdsArn } from '../arn.ts'
import { commit, type Control, type Scope } from '../control.ts'
import type { AuroraOrigin } from '../cluster/origin.ts'
import { clusterNameTaken, requireFreeClusterName } from '../cluster/names.ts'
import { required } from '../db-instance/create.ts'
import {
  requireDatabaseName,
  requireIdentifier,
  requireMasterUsername,
  requirePort,
} from '../db-instance/identifiers.ts'
import { newMaster } from '../db-instance/master.ts'
import { choosePort } from '../db-instance/ports.ts'
import type { ClusterKey } from '../db-instance/record.ts'
import { resolveVersion } from '../db-instance/settings.ts'
import { started } from '../db-instance/started.ts'
import { joinGlobal } from '../global-cluster/join.ts'
import { requireQuota } from '../quota/quotas.ts'
import { checkTags } from '../tag/tags.ts'
import { newVolume } from '../volume/configuration.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { auroraClusters, auroraKeyOf, auroraSubjectOf, type AuroraClusterRecord } from './record.ts'
import { newAuroraSettings, refuseForAurora, requireAurora, resolveAuroraParameterGroup } from './settings.ts'

/** Zones that a volume has copies in. */
const ZONES = 3

/** Losing a race for a port or a name this often in a row means something else is wrong. */
const RACES_MAX = 20

type Input = CreateDBClusterMessage & { DBClusterIdentifier: string; Engine: string }

export async function createAuroraCluster(control: Control, scope: Scope, input: Input): Promise<AuroraClusterRecord> {
  const id = requireIdentifier('DBClusterIdentifier', input.DBClusterIdentifier)
  requireAurora(control, input.Engine)
  await requireFreeClusterName(control, scope, id)
  refuseForAurora(control, scope, input)
  await requireRoomForAurora(control, scope)
  const { primary, engineVersion, ...first } = await joinGlobal(control, scope, input)
  const version = resolveVersion(control, engineVersion ?? input.EngineVersion, 'aurora-postgresql')
  const name = primary ? primary.databaseName : (input.DatabaseName ?? first.databaseName)
  const databaseName = name === undefined ? undefined : requireDatabaseName(name)
  const wanted = { name: input.DBClusterParameterGroupName, major: version.major }
  const parameterGroup = await resolveAuroraParameterGroup(control, scope, wanted)
  const { shared, settings, ...own } = await newAuroraSettings(control, scope, input, version)
  const wantedPort = requirePort('Port', input.Port ?? control.ports.preferred)
  const tags = checkTags(input.Tags ?? [])
  const { master, writes: secret } = primary
    ? { master: { ...primary.master, secretArn: undefined, secretKmsKeyId: undefined }, writes: NOTHING }
    : await newMaster(control, scope, {
        username: requireMasterUsername(required(input.MasterUsername, 'MasterUsername')),
        password: input.MasterUserPassword,
        managed: input.ManageMasterUserPassword,
        kmsKeyId: input.MasterUserSecretKmsKeyId,
        instanceArn: rdsArn(scope, 'cluster', id),
      })
  const draft = { id, shared, settings, ...own, parameterGroup, master, databaseName, tags }
  return registerAurora(control, scope, draft, { wantedPort, secret, join: () => joinGlobal(control, scope, input) })
}

/** What a new cluster has to do with others, as they are when it is made. */
interface Kinship {
  /** The global database that it joins. */
  readonly part: AuroraClusterRecord['global']
  /** Of a clone. */
  readonly clone?: Pick<AuroraClusterRecord, 'cloneGroup' | 'clonedFrom'>
  /** The row of its volume. */
  volume(fresh: VolumeRecord): VolumeRecord
  /** By which the others know of it. */
  writes(key: ClusterKey): Mutation
}

interface Registration {
  readonly wantedPort: number
  /** Writes that keep the password. */
  readonly secret: Mutation
  /** Asked again after a lost race. */
  join(): Promise<Kinship>
  /** Of one that is not new and empty. */
  readonly origin?: AuroraOrigin
}

/** The one transaction that makes a cluster, with what is decided about it. */
export async function registerAurora(
  control: Control,
  scope: Scope,
  draft: Omit<Draft, 'resourceId' | 'port' | 'readerPort'>,
  { wantedPort, secret, join, origin }: Registration,
): Promise<AuroraClusterRecord> {
  const { id } = draft
  for (let race = 0; race < RACES_MAX; race++) {
    const joining = await join()
    const resourceId = newResourceId('cluster', control.random)
    const { port, writes } = await choosePort(control, wantedPort, resourceId)
    // Another one of the range that users see, and not the one that was just chosen.
    const reader = await choosePort(control, port + 1, resourceId)
    const global = joining.part
    const cluster = newCluster(control, scope, {
      ...draft,
      ...joining.clone,
      resourceId,
      port,
      readerPort: reader.port,
      ...(global && { global }),
    })
    const key = auroraKeyOf(cluster)
    const flow = control.flows.start('create-aurora-cluster', auroraSubjectOf(key), { key, ...(origin && { origin }) })
    const { committed } = await commit(
      control,
      together(
        auroraClusters(control, scope).create(id, cluster),
        clusterNameTaken(control, scope, { id, by: 'aurora' }),
        volumes(control, scope).create(resourceId, joining.volume(newVolume(resourceId, control.hosts.zones))),
        joining.writes(key),
        writes,
        reader.writes,
        secret,
        flow.writes,
      ),
    )
    if (committed) {
      await started(control, flow.id)
      return (await auroraClusters(control, scope).get(id))?.value ?? cluster
    }
    await requireFreeClusterName(control, scope, id)
  }
  throw new Error('a new Aurora DB cluster lost every race for a port')
}

/** Throws where there is no room for another Aurora DB cluster. */
export async function requireRoomForAurora(control: Control, scope: Scope): Promise<void> {
  if (control.hosts.zones.length < ZONES)
    throw fault(InsufficientDBClusterCapacityFault, `An Aurora DB cluster needs ${ZONES} Availability Zones.`)
  await requireQuota(control, scope, 'DBClusters')
}

type Draft = Pick<
  AuroraClusterRecord,
  | 'id'
  | 'resourceId'
  | 'shared'
  | 'settings'
  | 'parameterGroup'
  | 'master'
  | 'databaseName'
  | 'port'
  | 'readerPort'
  | 'global'
  | 'backtrackWindow'
  | 'cloneGroup'
  | 'clonedFrom'
  | 'tags'
>

const newCluster = ({ clock }: Control, { account, region }: Scope, draft: Draft): AuroraClusterRecord => ({
  ...draft,
  account,
  region,
  createdAt: clock.now(),
  engine: 'aurora-postgresql',
  phase: 'creating',
  complaint: undefined,
  certificate: undefined,
  members: [],
  writer: undefined,
  isOpen: false,
  endpoints: [],
  stoppedAt: undefined,
})
