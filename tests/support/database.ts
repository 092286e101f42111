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

/**
 * Resolves with the instance once its status is this one, and everything else that `also` asks for holds. Fails at once
 * when it is in one that it does not leave by itself.
 */
export async function instanceIn(
  rds: RDSClient,
  id: string,
  status: string,
  also: (instance: DBInstance) => boolean = () => true,
): Promise<DBInstance> {
  const instance = await eventually(`DB instance ${id} in ${status}`, async () => {
    const found = await describe(rds, id)
    if (found && DEAD_ENDS.has(found.DBInstanceStatus!) && found.DBInstanceStatus !== status) return found
    if (found?.DBInstanceStatus === status && also(found)) return found
    throw new Error(`it is ${JSON.stringify(found)}`)
  })
  if (instance.DBInstanceStatus !== status)
    throw new Error(`DB instance ${id} is ${instance.DBInstanceStatus}: ${instance.StatusInfos?.[0]?.Message}`)
  return instance
}

const DEAD_ENDS = new Set(['failed', 'restore-error', 'incompatible-parameters', 'incompatible-restore'])

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
export async function connect(
  holdfast: Holdfast,
  instance: Pick<DBInstance, 'Endpoint'>,
  login: Login = {},
): Promise<pg.Client> {
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
  instance: Pick<DBInstance, 'Endpoint'>,
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
