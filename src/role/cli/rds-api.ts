/** The AWS side of a command. The SDK is loaded when it is first needed: commands that do without stay quick. */
import type * as Sdk from '@aws-sdk/client-rds'
import { systemClock } from '#host/clock.ts'
import { CliError, EXIT } from './cli-error.ts'
import { unreachable } from './holdfast-api.ts'
import { maintenanceWord, type MaintenanceWord } from './maintenance-word.ts'
import type { Target } from './target.ts'

/** What the commands show of a DB instance. */
export interface InstanceRow {
  readonly identifier: string
  readonly engine: string
  readonly engineVersion: string
  readonly class: string
  readonly status: string
  /** Why the status is what it is, where the service says so. */
  readonly reason: string | undefined
  readonly masterUsername: string
  /** The database that was made with it; that of every PostgreSQL where none was. */
  readonly databaseName: string
  /** Undefined until the instance has one. */
  readonly endpoint: { readonly address: string; readonly port: number } | undefined
  /** Undefined where there is none, or where it was not asked for. */
  readonly maintenance?: MaintenanceWord | undefined
}

/** Pages of 100, far beyond what one machine can run: an endpoint that pages for ever ends here. */
const PAGES_MAX = 100

/** Runs `use` with the SDK and a client, which is closed after it. Says in our words what went wrong. */
export async function withRds<R>(
  target: Target,
  use: (client: Sdk.RDSClient, sdk: typeof Sdk) => Promise<R>,
): Promise<R> {
  const sdk = await import('@aws-sdk/client-rds')
  const { endpoint, region, accessKeyId, secretAccessKey } = target
  const client = new sdk.RDSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 })
  try {
    return await use(client, sdk)
  } catch (error) {
    throw translated(target, error)
  } finally {
    client.destroy()
  }
}

/** With the word for their maintenance. */
export function listInstances(target: Target): Promise<InstanceRow[]> {
  return withRds(target, async (client, sdk) => {
    const instances = await allPages(async (Marker) => {
      const answer = await client.send(new sdk.DescribeDBInstancesCommand({ Marker }))
      return { items: answer.DBInstances, Marker: answer.Marker }
    })
    const resources = await allPages(async (Marker) => {
      const answer = await client.send(new sdk.DescribePendingMaintenanceActionsCommand({ Marker }))
      return { items: answer.PendingMaintenanceActions, Marker: answer.Marker }
    })
    const actions = new Map(resources.map((one) => [one.ResourceIdentifier, one.PendingMaintenanceActionDetails ?? []]))
    const now = systemClock.now()
    return instances.map((instance) => {
      const row = rowOf(instance)
      return { ...row, maintenance: maintenanceWord(actions.get(instance.DBInstanceArn) ?? [], row.status, now) }
    })
  })
}

async function allPages<T>(
  ask: (marker: string | undefined) => Promise<{ items: T[] | undefined; Marker: string | undefined }>,
): Promise<T[]> {
  const all: T[] = []
  let marker: string | undefined
  for (let page = 0; page < PAGES_MAX; page++) {
    const { items, Marker } = await ask(marker)
    all.push(...(items ?? []))
    marker = Marker
    if (marker === undefined) break
  }
  return all
}

function findInstance(target: Target, name: string): Promise<InstanceRow> {
  return withRds(target, async (client, { DescribeDBInstancesCommand }) => {
    const answer = await client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }))
    const [instance] = answer.DBInstances ?? []
    if (instance) return rowOf(instance)
    throw new CliError(`There is no DB instance '${name}'.`, { status: EXIT.notFound })
  })
}

/** An instance that clients can connect to: throws for one that has no endpoint yet, or speaks another protocol. */
export async function findPostgres(
  target: Target,
  name: string,
): Promise<InstanceRow & { endpoint: { address: string; port: number } }> {
  const row = await findInstance(target, name)
  const { endpoint } = row
  if (!row.engine.includes('postgres')) {
    throw new CliError(`'${name}' is no PostgreSQL: its engine is ${row.engine}.`)
  }
  if (endpoint === undefined) {
    throw new CliError(`'${name}' has no endpoint: it is ${row.status}.`, {
      why: row.reason,
      // `creating`, `modifying`, … pass by themselves; `failed` and its kin do not.
      next: row.status.endsWith('ing')
        ? `aws rds wait db-instance-available --db-instance-identifier ${name}`
        : `aws rds describe-events --source-type db-instance --source-identifier ${name}`,
    })
  }
  return { ...row, endpoint }
}

function rowOf(instance: Sdk.DBInstance): InstanceRow {
  const { Address, Port } = instance.Endpoint ?? {}
  return {
    identifier: instance.DBInstanceIdentifier ?? '',
    engine: instance.Engine ?? '',
    engineVersion: instance.EngineVersion ?? '',
    class: instance.DBInstanceClass ?? '',
    status: instance.DBInstanceStatus ?? '',
    reason: instance.StatusInfos?.find((one) => one.Message !== undefined)?.Message,
    masterUsername: instance.MasterUsername ?? '',
    databaseName: instance.DBName || 'postgres',
    endpoint: Address === undefined || Port === undefined ? undefined : { address: Address, port: Port },
  }
}

const CONNECTION_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT', 'EPIPE'])

function translated(target: Target, error: unknown): unknown {
  if (error instanceof CliError || !(error instanceof Error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code !== undefined && CONNECTION_CODES.has(code)) return unreachable(target, error)
  const where = `${target.account === undefined ? '' : `account ${target.account}, `}${target.region}`
  if (error.name === 'DBInstanceNotFoundFault') {
    return new CliError(error.message, {
      why: `looked in ${where} at ${target.endpoint}`,
      next: 'holdfast status lists the DB instances; --account and --region look elsewhere',
      status: EXIT.notFound,
    })
  }
  return new CliError(`Holdfast refused: ${error.message}`, { why: `${error.name} (${where})` })
}
