/** Aurora clusters in tests: made through the API, of real engines. */
import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  type CreateDBClusterCommandInput,
  type CreateDBInstanceCommandInput,
  type DBCluster,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { clusterIn, membersOf } from './cluster.ts'
import { PASSWORD } from './database.ts'
import { eventually } from './holdfast.ts'

/** What a Holdfast is started with to have them. */
export const PREVIEW = { HOLDFAST_AURORA: 'preview' } as const

/** Without instances. */
export const createAurora = (
  rds: RDSClient,
  id: string,
  more: Partial<CreateDBClusterCommandInput> = {},
): Promise<unknown> =>
  rds.send(
    new CreateDBClusterCommand({
      DBClusterIdentifier: id,
      Engine: 'aurora-postgresql',
      MasterUsername: 'app',
      MasterUserPassword: PASSWORD,
      ...more,
    }),
  )

/** The first one of a cluster is its writer. */
export const addInstance = (
  rds: RDSClient,
  cluster: string,
  id: string,
  more: Partial<CreateDBInstanceCommandInput> = {},
): Promise<unknown> =>
  rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: id,
      DBClusterIdentifier: cluster,
      Engine: 'aurora-postgresql',
      DBInstanceClass: 'db.t4g.medium',
      ...more,
    }),
  )

/** Available, with all of its instances. */
export async function wholeAurora(
  rds: RDSClient,
  id: string,
  also: (cluster: DBCluster) => boolean = () => true,
): Promise<DBCluster> {
  const cluster = await clusterIn(rds, id, also)
  await eventually(`all instances of ${id} available`, async () => {
    const members = await membersOf(rds, cluster)
    return members.every(({ DBInstanceStatus }) => DBInstanceStatus === 'available') ? true : undefined
  })
  return cluster
}
