/** What the operations on DB clusters do, by the kind of cluster: they share their names, and hardly anything else. */
import type { DBCluster, ModifyDBClusterMessage } from '@aws-sdk/client-rds'
import { createAuroraCluster } from '../aurora-cluster/create.ts'
import { deleteAuroraCluster } from '../aurora-cluster/delete.ts'
import { describeAuroraCluster } from '../aurora-cluster/describe.ts'
import { failoverAuroraCluster } from '../aurora-cluster/failover.ts'
import { modifyAuroraCluster } from '../aurora-cluster/modify.ts'
import { startAuroraCluster, stopAuroraCluster } from '../aurora-cluster/power.ts'
import type { Control, Scope } from '../control.ts'
import { createDbCluster } from '../db-cluster/create.ts'
import { deleteDbCluster } from '../db-cluster/delete.ts'
import { describeCluster } from '../db-cluster/describe.ts'
import { failoverDbCluster } from '../db-cluster/failover.ts'
import { invalidClusterState } from '../db-cluster/faults.ts'
import { modifyDbCluster } from '../db-cluster/modify.ts'
import { refusePower } from '../db-cluster/power.ts'
import { rebootDbCluster } from '../db-cluster/reboot.ts'
import { requireAnyCluster, type AnyCluster } from './names.ts'

interface Named {
  readonly DBClusterIdentifier: string
}

type Verb<Input> = (control: Control, scope: Scope, input: Input) => Promise<AnyCluster>

/** Each takes the operation's input, and gives the cluster as it is when that was begun. */
interface ClusterVerbs {
  readonly modify: Verb<ModifyDBClusterMessage & Named>
  readonly delete: Verb<Parameters<typeof deleteDbCluster>[2]>
  readonly failover: Verb<Parameters<typeof failoverDbCluster>[2]>
  readonly reboot: Verb<Named>
  readonly stop: Verb<Named>
  readonly start: Verb<Named>
}

const multiAz: ClusterVerbs = {
  modify: modifyDbCluster,
  delete: deleteDbCluster,
  failover: failoverDbCluster,
  reboot: rebootDbCluster,
  stop: (control, scope, input) => refusePower(control, scope, { operation: 'StopDBCluster', ...named(input) }),
  start: (control, scope, input) => refusePower(control, scope, { operation: 'StartDBCluster', ...named(input) }),
}

const aurora: ClusterVerbs = {
  modify: modifyAuroraCluster,
  delete: deleteAuroraCluster,
  failover: failoverAuroraCluster,
  // AWS: RDS API reference, RebootDBCluster: for Multi-AZ DB clusters only.
  reboot: async (_control, _scope, { DBClusterIdentifier }) => {
    throw invalidClusterState(
      `RebootDBCluster isn't supported for the Aurora DB cluster ${DBClusterIdentifier}: use RebootDBInstance.`,
    )
  },
  stop: (control, scope, { DBClusterIdentifier }) => stopAuroraCluster(control, scope, DBClusterIdentifier),
  start: (control, scope, { DBClusterIdentifier }) => startAuroraCluster(control, scope, DBClusterIdentifier),
}

const named = ({ DBClusterIdentifier }: Named): { readonly idOrArn: string } => ({ idOrArn: DBClusterIdentifier })

/** CreateDBCluster. */
export async function createCluster(
  control: Control,
  scope: Scope,
  input: Parameters<typeof createDbCluster>[2],
): Promise<DBCluster> {
  const create = input.Engine.startsWith('aurora') ? createAuroraCluster : createDbCluster
  return describeAnyCluster(control, await create(control, scope, input))
}

/** An operation on a cluster that is there. Throws DBClusterNotFoundFault. */
export async function changeCluster<V extends keyof ClusterVerbs>(
  control: Control,
  scope: Scope,
  verb: V,
  input: Parameters<ClusterVerbs[V]>[2] & Named,
): Promise<DBCluster> {
  const { engine } = await requireAnyCluster(control, scope, input.DBClusterIdentifier)
  const change = (engine === 'postgres' ? multiAz : aurora)[verb] as Verb<typeof input>
  return describeAnyCluster(control, await change(control, scope, input))
}

export const describeAnyCluster = (control: Control, cluster: AnyCluster): Promise<DBCluster> =>
  cluster.engine === 'postgres' ? describeCluster(control, cluster) : describeAuroraCluster(control, cluster)
