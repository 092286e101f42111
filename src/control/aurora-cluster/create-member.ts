/** CreateDBInstance with a DBClusterIdentifier: the writer of an Aurora cluster that has none, else a reader. */
import type { CreateDBInstanceMessage } from '@aws-sdk/client-rds'
import { resourceId as newResourceId } from '#host/random.ts'
import { together, type Held } from '#store/collection.ts'
import { majorOf } from '../db-instance/spec.ts'
import { refuseUnavailable } from '../capabilities.ts'
import { commit, type Control, type Scope } from '../control.ts'
import { invalidClusterState } from '../db-cluster/faults.ts'
import { newRecord, required } from '../db-instance/create.ts'
import { instanceExists, invalidValue } from '../db-instance/faults.ts'
import { requireIdentifier } from '../db-instance/identifiers.ts'
import { chooseZone } from '../db-instance/placement.ts'
import { choosePort, choosePorts } from '../db-instance/ports.ts'
import {
  dbInstanceNames,
  dbInstances,
  keyOf,
  nameIndexOf,
  subjectOf,
  type DbInstanceRecord,
  type DbInstanceSettings,
} from '../db-instance/record.ts'
import { requireCa, requireLicense, resolveParameterGroup, windowSettings } from '../db-instance/settings.ts'
import { started } from '../db-instance/started.ts'
import { requireQuota } from '../quota/quotas.ts'
import { checkTags } from '../tag/tags.ts'
import { requireAuroraCluster } from './find.ts'
import { auroraClusters, auroraKeyOf, isSecondary, type AuroraClusterRecord } from './record.ts'
import { refuseOfMember, requireMatchingCluster } from './member-rules.ts'
import { AURORA_STORAGE, requireAurora, requireAuroraClass } from './settings.ts'
import { PROMOTION_TIER_DEFAULT, PROMOTION_TIER_MAX } from './successor.ts'

/** AWS: Aurora user guide, "Amazon Aurora DB clusters": a writer and up to fifteen readers. */
const MEMBERS_MAX = 16

/** Losing a race for a port, a name or the cluster this often in a row means something else is wrong. */
const RACES_MAX = 20

type Input = CreateDBInstanceMessage & { DBInstanceIdentifier: string; DBInstanceClass: string; Engine: string }

export async function createAuroraMember(control: Control, scope: Scope, input: Input): Promise<DbInstanceRecord> {
  const id = requireIdentifier('DBInstanceIdentifier', input.DBInstanceIdentifier)
  requireAurora(control, input.Engine)
  if (await dbInstances(control, scope).get(id)) throw instanceExists()
  const clusterId = required(input.DBClusterIdentifier, 'DBClusterIdentifier')
  refuseOfMember(input)
  refuseUnavailable(control, { ...input, DBClusterIdentifier: undefined })
  await requireQuota(control, scope, 'DBInstances')
  const promotionTier = requirePromotionTier(input.PromotionTier ?? PROMOTION_TIER_DEFAULT)
  const tags = checkTags(input.Tags ?? [])
  for (let race = 0; race < RACES_MAX; race++) {
    const held = await requireAuroraCluster(control, scope, clusterId)
    const cluster = held.value
    requireMatchingCluster(input, cluster)
    requireRoom(cluster)
    const version = { engine: cluster.engine, major: majorOf(cluster.shared.EngineVersion) }
    const parameterGroup = await resolveParameterGroup(control, scope, input.DBParameterGroupName, version)
    const draft = {
      id,
      zone:
        input.AvailabilityZone === undefined
          ? emptiestZone(control, cluster)
          : chooseZone(control, scope, input.AvailabilityZone),
      settings: await memberSettings(control, scope, { input, cluster }),
      parameterGroup,
      promotionTier,
      tags,
    }
    const record = await register(control, held, draft)
    if (record) return record
    if (await dbInstances(control, scope).get(id)) throw instanceExists()
  }
  throw new Error('a new instance of an Aurora cluster lost every race')
}

type Draft = Pick<DbInstanceRecord, 'id' | 'zone' | 'settings' | 'parameterGroup' | 'tags'> & {
  readonly promotionTier: number
}

/** Undefined: somebody else was faster with a port, or changed the cluster. */
async function register(
  control: Control,
  held: Held<AuroraClusterRecord>,
  { promotionTier, ...draft }: Draft,
): Promise<DbInstanceRecord | undefined> {
  const cluster = held.value
  const resourceId = newResourceId('db', control.random)
  const { port, writes } = await choosePort(control, cluster.port, resourceId)
  const engine = await choosePorts(control, { count: 1, except: port, owner: resourceId })
  const { master, databaseName } = cluster
  // Its version is the cluster's: there is no maintenance of its own.
  const { maintenance: _none, ...fresh } = newRecord(control, cluster, {
    ...draft,
    resourceId,
    port,
    master,
    databaseName,
  })
  const record: DbInstanceRecord = {
    ...fresh,
    engine: cluster.engine,
    cluster: auroraKeyOf(cluster),
    aurora: { promotionTier, appliedClusterGroup: cluster.parameterGroup },
    copyPorts: { byZone: { [draft.zone]: engine.ports[0]! }, isDirect: false },
  }
  const flow = control.flows.start('create-aurora-member', subjectOf(keyOf(record)), { key: keyOf(record) })
  const member = { id: record.id, resourceId, zone: record.zone }
  const { committed } = await commit(
    control,
    together(
      auroraClusters(control, cluster).update(held, {
        ...cluster,
        members: [...cluster.members, member],
        ...(!isSecondary(cluster) && { writer: cluster.writer ?? resourceId }),
      }),
      dbInstances(control, cluster).create(record.id, record),
      dbInstanceNames(control).create(nameIndexOf(record), { id: record.id }),
      writes,
      engine.writes,
      flow.writes,
    ),
  )
  if (!committed) return undefined
  await started(control, flow.id)
  return record
}

export function requirePromotionTier(tier: number): number {
  if (!Number.isInteger(tier) || tier < 0 || tier > PROMOTION_TIER_MAX)
    throw invalidValue(`Invalid promotion tier: ${tier}. Must be between 0 and ${PROMOTION_TIER_MAX}.`)
  return tier
}

function requireRoom({ id, phase, members }: AuroraClusterRecord): void {
  if (phase !== 'available' && phase !== 'creating')
    throw invalidClusterState(`DB cluster ${id} takes no new DB instance: its status is ${phase}.`)
  if (members.length >= MEMBERS_MAX)
    throw invalidClusterState(
      `DB cluster ${id} has ${MEMBERS_MAX} DB instances already, which is the most there can be.`,
    )
}

/** Instances are spread over the zones, where nobody says otherwise. */
function emptiestZone({ hosts }: Pick<Control, 'hosts'>, { members }: AuroraClusterRecord): string {
  const count = (zone: string): number => members.filter((member) => member.zone === zone).length
  return hosts.zones.toSorted((a, b) => count(a) - count(b))[0]!
}

interface Wanted {
  readonly input: Input
  readonly cluster: AuroraClusterRecord
}

/** What all of the cluster have, and what an instance has of its own. */
async function memberSettings(control: Control, scope: Scope, { input, cluster }: Wanted): Promise<DbInstanceSettings> {
  const { shared, settings } = cluster
  const { PreferredMaintenanceWindow } = windowSettings(control, {
    PreferredBackupWindow: shared.PreferredBackupWindow,
    PreferredMaintenanceWindow: input.PreferredMaintenanceWindow,
  })
  return {
    ...shared,
    ...AURORA_STORAGE,
    DBInstanceClass: requireAuroraClass(input.DBInstanceClass, shared),
    Iops: undefined,
    StorageThroughput: undefined,
    MaxAllocatedStorage: undefined,
    LicenseModel: requireLicense(input.LicenseModel),
    PreferredMaintenanceWindow,
    AutoMinorVersionUpgrade: input.AutoMinorVersionUpgrade ?? true,
    CopyTagsToSnapshot: input.CopyTagsToSnapshot ?? settings.CopyTagsToSnapshot,
    // The cluster's protects its data, which instances have none of.
    DeletionProtection: false,
    PubliclyAccessible: input.PubliclyAccessible ?? true,
    OptionGroupName: `default:aurora-postgresql-${majorOf(shared.EngineVersion)}`,
    CACertificateIdentifier: await requireCa(control, scope, input.CACertificateIdentifier),
    MultiAZ: false,
  }
}
