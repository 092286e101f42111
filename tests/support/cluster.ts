/** DB clusters in tests: made through the API, used through real clients. */
import {
  CreateDBClusterCommand,
  DeleteDBClusterCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  type CreateDBClusterCommandInput,
  type DBCluster,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { PASSWORD } from './database.ts'
import { eventually } from './holdfast.ts'

export const clusterInput = (
  id: string,
  more: Partial<CreateDBClusterCommandInput> = {},
): CreateDBClusterCommandInput => ({
  DBClusterIdentifier: id,
  Engine: 'postgres',
  DBClusterInstanceClass: 'db.t4g.micro',
  StorageType: 'gp3',
  AllocatedStorage: 20,
  MasterUsername: 'app',
  MasterUserPassword: PASSWORD,
  // Backups are what few tests are about, and work for every engine.
  BackupRetentionPeriod: 0,
  ...more,
})

async function describeCluster(rds: RDSClient, id: string): Promise<DBCluster | undefined> {
  try {
    const { DBClusters } = await rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: id }))
    return DBClusters?.[0]
  } catch (error) {
    if ((error as Error).name === 'DBClusterNotFoundFault') return undefined
    throw error
  }
}

/** Resolves with the cluster once it is `available`, and everything else that `also` asks for holds. */
export async function clusterIn(
  rds: RDSClient,
  id: string,
  also: (cluster: DBCluster) => boolean = () => true,
): Promise<DBCluster> {
  const cluster = await eventually(`DB cluster ${id} available`, async () => {
    const found = await describeCluster(rds, id)
    if (found?.Status === 'failed') return found
    return found?.Status === 'available' && also(found) ? found : undefined
  })
  if (cluster.Status !== 'available')
    throw new Error(`DB cluster ${id} is ${cluster.Status}: ${cluster.StatusInfos?.[0]?.Message}`)
  return cluster
}

/** With both readers following, and commits waiting for one of them. */
export const wholeCluster = (
  rds: RDSClient,
  id: string,
  also: (cluster: DBCluster) => boolean = () => true,
): Promise<DBCluster> => clusterIn(rds, id, (cluster) => cluster.MultiAZ === true && also(cluster))

export async function createCluster(
  rds: RDSClient,
  id: string,
  more: Partial<CreateDBClusterCommandInput> = {},
): Promise<DBCluster> {
  await rds.send(new CreateDBClusterCommand(clusterInput(id, more)))
  return wholeCluster(rds, id)
}

export async function deleteCluster(rds: RDSClient, id: string): Promise<void> {
  await rds.send(new DeleteDBClusterCommand({ DBClusterIdentifier: id, SkipFinalSnapshot: true }))
  await clusterGone(rds, id)
}

export const clusterGone = (rds: RDSClient, id: string): Promise<true> =>
  eventually(`DB cluster ${id} gone`, async () => ((await describeCluster(rds, id)) ? undefined : true))

/** Something to connect to, as tests of instances do. */
export type Address = Pick<DBInstance, 'Endpoint'>

export const writerEndpoint = ({ Endpoint, Port }: DBCluster): Address => ({
  Endpoint: { Address: Endpoint, Port },
})

export function readerEndpoint({ ReaderEndpoint }: DBCluster): Address {
  const [Address, port] = ReaderEndpoint!.split(':')
  return { Endpoint: { Address, Port: Number(port) } }
}

export const writerOf = (cluster: DBCluster): string =>
  cluster.DBClusterMembers!.find(({ IsClusterWriter }) => IsClusterWriter)!.DBInstanceIdentifier!

export async function membersOf(rds: RDSClient, cluster: DBCluster): Promise<DBInstance[]> {
  const { DBInstances } = await rds.send(
    new DescribeDBInstancesCommand({
      Filters: [{ Name: 'db-cluster-id', Values: [cluster.DBClusterIdentifier!] }],
    }),
  )
  return DBInstances!
}
