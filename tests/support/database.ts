/** DB instances in tests: made through the API, used through a real client over verified TLS. */
import {
  CreateDBInstanceCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  type CreateDBInstanceCommandInput,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import pg from 'pg'
import { eventually, type Holdfast } from './holdfast.ts'

export const PASSWORD = 'correct-horse-battery'

export function createInput(
  id: string,
  more: Partial<CreateDBInstanceCommandInput> = {},
): CreateDBInstanceCommandInput {
  return {
    DBInstanceIdentifier: id,
    Engine: 'postgres',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: 20,
    MasterUsername: 'app',
    MasterUserPassword: PASSWORD,
    ...more,
  }
}

export async function describe(rds: RDSClient, id: string): Promise<DBInstance | undefined> {
  try {
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }))
    return DBInstances?.[0]
  } catch (error) {
    if ((error as Error).name === 'DBInstanceNotFoundFault') return undefined
    throw error
  }
}

/** Resolves with the instance once its status is this one, and everything else that `also` asks for holds. */
export function instanceIn(
  rds: RDSClient,
  id: string,
  status: string,
  also: (instance: DBInstance) => boolean = () => true,
): Promise<DBInstance> {
  return eventually(`DB instance ${id} in ${status}`, async () => {
    const instance = await describe(rds, id)
    return instance?.DBInstanceStatus === status && also(instance) ? instance : undefined
  })
}

export const instanceGone = (rds: RDSClient, id: string): Promise<true> =>
  eventually(`DB instance ${id} gone`, async () => ((await describe(rds, id)) ? undefined : true))

export async function createInstance(
  rds: RDSClient,
  id: string,
  more: Partial<CreateDBInstanceCommandInput> = {},
): Promise<DBInstance> {
  await rds.send(new CreateDBInstanceCommand(createInput(id, more)))
  return instanceIn(rds, id, 'available')
}

export async function deleteInstance(rds: RDSClient, id: string): Promise<void> {
  await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: id, SkipFinalSnapshot: true }))
  await instanceGone(rds, id)
}

export interface Login {
  readonly user?: string
  readonly password?: string
  readonly database?: string
}

/** A connection over TLS that checks Holdfast's CA and the endpoint's name. The caller ends it. */
export async function connect(holdfast: Holdfast, instance: DBInstance, login: Login = {}): Promise<pg.Client> {
  const ca = await (await fetch(`${holdfast.url}/_holdfast/ca.pem`)).text()
  const client = new pg.Client({
    host: instance.Endpoint!.Address!,
    port: instance.Endpoint!.Port!,
    user: login.user ?? 'app',
    password: login.password ?? PASSWORD,
    database: login.database ?? 'postgres',
    ssl: { ca, servername: instance.Endpoint!.Address! },
  })
  await client.connect()
  return client
}

/** One query on a connection of its own. */
export async function query<Row extends pg.QueryResultRow>(
  holdfast: Holdfast,
  instance: DBInstance,
  sql: string,
  login: Login = {},
): Promise<Row[]> {
  const client = await connect(holdfast, instance, login)
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}
