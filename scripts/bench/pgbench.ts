/** pgbench and psql over TLS, for what is measured of endpoints. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Of one measurement. */
export const SECONDS = 3

export interface Database {
  readonly port: number
  readonly password: string
  readonly database: string
}

/** What PostgreSQL's own clients need to connect as the master user. */
export const environment = ({ port, password, database }: Database): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  PGHOST: '127.0.0.1',
  PGPORT: String(port),
  PGUSER: 'app',
  PGPASSWORD: password,
  PGDATABASE: database,
  PGSSLMODE: 'require',
})

export const hasPgbench = (): Promise<boolean> =>
  run('pgbench', ['--version']).then(
    () => true,
    () => false,
  )

export const fillTables = (at: Database): Promise<unknown> =>
  run('pgbench', ['-i', '-q', '-s', '5'], { env: environment(at) })

/** In a second. */
export async function transactions(at: Database, ...args: string[]): Promise<number> {
  const { stdout } = await run('pgbench', ['-n', '-M', 'prepared', '-j', '2', '-T', String(SECONDS), ...args], {
    env: environment(at),
  })
  return Number(/tps = ([\d.]+)/.exec(stdout)![1])
}
