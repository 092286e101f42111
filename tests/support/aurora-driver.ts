/**
 * A client that knows Aurora by itself: the AWS Advanced NodeJS Wrapper around `pg`. It asks a cluster by SQL who is in it and who
 * writes, and goes to instances by their names. Here an instance is told apart by its port: see docs/DRIVERS.md.
 */
import { Socket } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { DescribeDBInstancesCommand, type DBCluster } from '@aws-sdk/client-rds'
import { PASSWORD } from './database.ts'
import type { Holdfast } from './holdfast.ts'

/** As much of the wrapper as is used. Its own types cannot be read by this compiler: they name files without endings. */
export interface AuroraClient {
  connect(): Promise<void>
  query(text: string, values?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>
  setReadOnly(isReadOnly: boolean): Promise<unknown>
  end(): Promise<void>
}

interface Ending {
  releaseResources(): Promise<void>
}

interface Wrapper {
  readonly AwsPGClient: new (config: Readonly<Record<string, unknown>>) => AuroraClient
}

const located = (): string | undefined => {
  try {
    return import.meta.resolve('aws-advanced-nodejs-wrapper/pg')
  } catch {
    return undefined
  }
}

/** Why a test that needs the driver cannot run: false where it can. */
export const withoutDriver = located() === undefined && 'aws-advanced-nodejs-wrapper is not installed: npm ci'

/** As a user would make one, at the cluster endpoint. It ends with its scope, and all that the driver watches with it. */
export async function auroraClient(holdfast: Holdfast, cluster: DBCluster): Promise<AuroraClient & AsyncDisposable> {
  const { AwsPGClient } = (await import(located()!)) as Wrapper
  const { PluginManager } = (await import(import.meta.resolve('aws-advanced-nodejs-wrapper'))) as {
    PluginManager: Ending
  }
  const region = cluster.DBClusterArn!.split(':')[3]!
  const ca = await (await fetch(`${holdfast.url}/_holdfast/ca.pem`)).text()
  const { DBInstances } = await holdfast.rds({ region }).send(new DescribeDBInstancesCommand({}))
  const ports = new Map(DBInstances!.map(({ DBInstanceIdentifier: id, Endpoint }) => [id!, Endpoint!.Port!]))
  ports.set(cluster.DBClusterIdentifier!, cluster.Port!)
  const client = new AwsPGClient({
    host: cluster.DBClusterIdentifier,
    user: 'app',
    password: PASSWORD,
    database: 'postgres',
    plugins: 'failover2,readWriteSplitting',
    clusterInstanceHostPattern: '?',
    // It says that it found no writer, where it would be silent for five minutes.
    failoverTimeoutMs: 60_000,
    stream: () => new NamedSocket(ports),
    ssl: { ca, checkServerIdentity: (_: string, shown: PeerCertificate) => checkServerIdentity('localhost', shown) },
  })
  const end = async (): Promise<void> => {
    await client.end()
    await PluginManager.releaseResources()
  }
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: end })
}

/** Goes to the port of whom it is asked for by name. */
class NamedSocket extends Socket {
  private readonly ports: ReadonlyMap<string, number>

  constructor(ports: ReadonlyMap<string, number>) {
    super()
    this.ports = ports
  }

  override connect(...[, name]: unknown[]): this {
    const port = this.ports.get(String(name))
    if (port === undefined) throw new Error(`no endpoint is named ${String(name)}`)
    return super.connect(port, 'localhost')
  }
}
