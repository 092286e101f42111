/**
 * Account quotas: how many of each resource an account may have in a region, and how many it has.
 * AWS: RDS User Guide, "Quotas in Amazon RDS"; the values are those of a new account.
 */
import {
  DBClusterQuotaExceededFault,
  DBParameterGroupQuotaExceededFault,
  DBSubnetGroupQuotaExceededFault,
  InstanceQuotaExceededFault,
  OptionGroupQuotaExceededFault,
  SnapshotQuotaExceededFault,
} from '@aws-sdk/client-rds'
import type { AccountQuota } from '@aws-sdk/client-rds'
import type { Collection } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { CUSTOM_ENDPOINTS_MAX } from '../aurora-cluster/custom-endpoint.ts'
import { auroraClusters } from '../aurora-cluster/record.ts'
import { allClusters } from '../cluster/names.ts'
import type { Control, Scope } from '../control.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import { dbInstances } from '../db-instance/record.ts'
import { dbSnapshots, type DbSnapshotRecord } from '../db-snapshot/record.ts'
import { optionGroups } from '../option-group/record.ts'
import { parameterGroups } from '../parameter-group/record.ts'
import { REPLICAS_MAX } from '../read-replica/limits.ts'
import { mostReplicas } from '../read-replica/replicas.ts'
import { subnetGroups } from '../subnet-group/record.ts'

type Count = (control: Pick<Control, 'store'>, scope: Scope) => Promise<number>

interface Quota {
  /** In real mode. */
  readonly max: number
  readonly used: Count
  readonly exceeded?: () => Error
}

const none: Count = async () => 0

const manualIn = async (snapshots: Collection<DbSnapshotRecord>): Promise<number> =>
  (await snapshots.list()).filter(({ value }) => value.type === 'manual').length

/** Under the names that DescribeAccountAttributes gives them. */
const quotas = {
  AllocatedStorage: {
    max: 100_000,
    used: async (control, scope) =>
      (await dbInstances(control, scope).list()).reduce((sum, { value }) => sum + value.settings.AllocatedStorage, 0),
  },
  AuthorizationsPerDBSecurityGroup: { max: 20, used: none },
  CustomEndpointsPerDBCluster: {
    max: CUSTOM_ENDPOINTS_MAX,
    used: async (control, scope) =>
      (await auroraClusters(control, scope).list()).reduce(
        (most, { value }) => Math.max(most, value.endpoints.length),
        0,
      ),
  },
  DBClusterParameterGroups: {
    max: 50,
    used: async (control, scope) => (await parameterGroups(control, scope, 'cluster').list()).length,
    exceeded: () => fault(DBParameterGroupQuotaExceededFault, 'The quota of DB cluster parameter groups is exceeded.'),
  },
  DBClusterRoles: { max: 5, used: none },
  DBClusters: {
    max: 40,
    used: async (control, scope) => (await allClusters(control, scope)).length,
    exceeded: () => fault(DBClusterQuotaExceededFault, 'DB Cluster quota exceeded'),
  },
  DBInstanceRoles: { max: 5, used: none },
  DBInstances: {
    max: 40,
    used: async (control, scope) => (await dbInstances(control, scope).list()).length,
    exceeded: () => fault(InstanceQuotaExceededFault, 'DB Instance quota exceeded'),
  },
  DBParameterGroups: {
    max: 50,
    used: async (control, scope) => (await parameterGroups(control, scope).list()).length,
    exceeded: () => fault(DBParameterGroupQuotaExceededFault, 'The quota of DB parameter groups is exceeded.'),
  },
  DBSecurityGroups: { max: 25, used: none },
  DBSubnetGroups: {
    max: 50,
    used: async (control, scope) => (await subnetGroups(control, scope).list()).length,
    exceeded: () => fault(DBSubnetGroupQuotaExceededFault, 'The quota of DB subnet groups is exceeded.'),
  },
  EventSubscriptions: { max: 20, used: none },
  ManualClusterSnapshots: {
    max: 100,
    used: async (control, scope) => manualIn(dbClusterSnapshots(control, scope)),
    exceeded: () => fault(SnapshotQuotaExceededFault, 'The quota of manual DB cluster snapshots is exceeded.'),
  },
  ManualSnapshots: {
    max: 100,
    used: async (control, scope) => manualIn(dbSnapshots(control, scope)),
    exceeded: () => fault(SnapshotQuotaExceededFault, 'The quota of manual snapshots is exceeded.'),
  },
  OptionGroups: {
    max: 20,
    used: async (control, scope) => (await optionGroups(control, scope).list()).length,
    exceeded: () => fault(OptionGroupQuotaExceededFault, 'The quota of option groups is exceeded.'),
  },
  ReadReplicasPerMaster: { max: REPLICAS_MAX, used: mostReplicas },
  ReservedDBInstances: { max: 40, used: none },
  SubnetsPerDBSubnetGroup: {
    max: 20,
    used: async (control, scope) =>
      (await subnetGroups(control, scope).list()).reduce(
        (most, { value }) => Math.max(most, value.subnetIds.length),
        0,
      ),
  },
} satisfies Record<string, Quota>

export type QuotaName = keyof typeof quotas

/** Quotas that creation can run into. */
type CountedQuota = { [K in QuotaName]: (typeof quotas)[K] extends { exceeded: unknown } ? K : never }[QuotaName]

/** Throws the quota's own fault when so many more resources would be too many. Without real processes nothing is scarce. */
export async function requireQuota(
  control: Pick<Control, 'store' | 'simulated'>,
  scope: Scope,
  name: CountedQuota,
  more = 1,
): Promise<void> {
  if (control.simulated) return
  const { max, used, exceeded } = quotas[name]
  if ((await used(control, scope)) + more > max) throw exceeded()
}

/** GiB that may still be allocated. */
export async function storageLeftGiB(control: Pick<Control, 'store' | 'simulated'>, scope: Scope): Promise<number> {
  const { max, used } = quotas.AllocatedStorage
  return control.simulated ? Infinity : max - (await used(control, scope))
}

/** Most subnets that one subnet group may have. */
export const SUBNETS_PER_GROUP_MAX = quotas.SubnetsPerDBSubnetGroup.max

export async function accountQuotas(control: Control, scope: Scope): Promise<AccountQuota[]> {
  return Promise.all(
    Object.entries<Quota>(quotas).map(async ([name, { max, used }]) => ({
      AccountQuotaName: name,
      Used: await used(control, scope),
      // A simulated service has no limits; SDKs read a number.
      Max: control.simulated ? Number.MAX_SAFE_INTEGER : max,
    })),
  )
}
