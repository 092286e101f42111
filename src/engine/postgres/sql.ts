/** SQL as the superuser `rdsadmin`, over an instance's Unix socket, on which nobody else may log in. */
import type { Client } from 'pg'
import { CONNECT_MS_MAX, STATEMENT_MS_MAX } from '../limits.ts'
import { readLockFile } from './lock-file.ts'
import type { Surroundings } from './surroundings.ts'

export const ADMIN = 'rdsadmin'

export interface Session {
  readonly query: <Row extends object>(text: string, values?: readonly unknown[]) => Promise<Row[]>
}

export interface SessionOptions {
  readonly database?: string
  readonly statementMs?: number
}

/** Runs `work` in one session, which ends with it. Throws when nobody can connect. */
export async function withSession<R>(
  at: { readonly folder: string; readonly surroundings: Surroundings },
  work: (session: Session) => Promise<R>,
  options: SessionOptions = {},
): Promise<R> {
  const socket = (await readLockFile(at.folder))?.socket
  if (!socket) throw new Error('the engine does not run')
  const client = await connect({ ...socket, password: at.surroundings.adminPassword }, options)
  try {
    return await work({
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        // Without parameters the simple protocol is used, which CREATE DATABASE needs.
        (await client.query<Row>(text, values.length > 0 ? [...values] : undefined)).rows,
    })
  } finally {
    await client.end().catch(() => {})
  }
}

/** A connection for commands of the replication protocol. The caller ends it. */
export async function openReplication(at: {
  readonly folder: string
  readonly surroundings: Surroundings
}): Promise<Client> {
  const socket = (await readLockFile(at.folder))?.socket
  if (!socket) throw new Error('the engine does not run')
  const replication = { replication: 'true', application_name: 'rds_archive' }
  return connectTo({ ...socket, password: at.surroundings.adminPassword }, 'postgres', { statementMs: 0 }, replication)
}

interface Target {
  readonly folder: string
  readonly port: number
  readonly password: string
}

async function connect(target: Target, options: SessionOptions): Promise<Client> {
  const { database = 'postgres' } = options
  try {
    return await connectTo(target, database, options)
  } catch (error) {
    // The master user owns the database `postgres` and may drop or close it. template1 is always there, but a session in
    // it gets in the way of CREATE DATABASE.
    if (options.database !== undefined || !['3D000', '55000'].includes(sqlStateOf(error) ?? '')) throw error
    return connectTo(target, 'template1', options)
  }
}

async function connectTo(
  target: Target,
  database: string,
  options: SessionOptions,
  more: object = {},
): Promise<Client> {
  const { Client } = (await import('pg')).default
  const client = new Client({
    host: target.folder,
    port: target.port,
    user: ADMIN,
    password: target.password,
    database,
    ssl: false,
    application_name: 'rdsadmin',
    connectionTimeoutMillis: CONNECT_MS_MAX,
    options: sessionSettings(options.statementMs ?? STATEMENT_MS_MAX),
    ...more,
  })
  // A connection that breaks fails the query under way; without a listener it would end this process as well.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
  return client
}

/**
 * The owner of a database may set much for all sessions in it. Ours stay what they are, look nothing up in schemas of
 * users, and show the password verifiers in our statements neither to the log nor to pg_stat_statements.
 */
function sessionSettings(statementMs: number): string {
  const settings: Record<string, string | number> = {
    role: 'none',
    search_path: 'pg_catalog',
    statement_timeout: statementMs,
    lock_timeout: 0,
    idle_in_transaction_session_timeout: 0,
    default_transaction_read_only: 'off',
    synchronous_commit: 'on',
    log_statement: 'none',
    log_duration: 'off',
    log_min_duration_statement: -1,
    log_min_error_statement: 'panic',
    'pg_stat_statements.track': 'none',
    'auto_explain.log_min_duration': -1,
  }
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')
}

/** `42P01`; undefined for an error that did not come from the engine. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'severity' in error
    ? error.code
    : undefined
}

/** An identifier as SQL text. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A string as SQL text, whatever standard_conforming_strings says. */
export function quoteText(text: string): string {
  return text.includes('\\')
    ? `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`
}

/** Whether the engine follows another. */
export async function isStandby({ query }: Session): Promise<boolean> {
  const [row] = await query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby')
  return row?.standby === true
}
