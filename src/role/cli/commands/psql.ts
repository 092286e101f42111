import { findExecutable, replaceProcess } from '#host/replace-process.ts'
import { fetchCaFile } from '../ca-file.ts'
import { CliError } from '../cli-error.ts'
import type { CliCommand } from '../command.ts'
import { environment } from '../connection-strings.ts'
import { health } from '../holdfast-api.ts'
import { findPostgres } from '../rds-api.ts'

export const psql: CliCommand = {
  name: 'psql',
  summary: 'Open psql on a DB instance as its master user, over verified TLS',
  args: [
    { notation: '<name>', summary: 'identifier of the DB instance' },
    { notation: '[psql-arguments...]', summary: 'passed to psql; put -- before them' },
  ],
  options: [],
  hasTarget: true,
  examples: [
    'holdfast psql mydb',
    "PGPASSWORD=… holdfast psql mydb -- -c 'select version()'",
    'holdfast psql mydb -- -U other -d app',
  ],
  run: async ({ args, target, env }) => {
    const [name, ...passedOn] = args
    const program = await findExecutable('psql', env['PATH'])
    if (program === undefined) throw notInstalled(name!)
    const { engines } = await health(target)
    const instance = await findPostgres(target, name!)
    if (engines === 'simulated') {
      throw new CliError(`'${name}' is simulated: there is no database to connect to.`, {
        next: 'start Holdfast with --engines real',
      })
    }
    if (instance.status === 'stopped') {
      throw new CliError(`'${name}' is stopped.`, {
        next: `aws rds start-db-instance --db-instance-identifier ${name}`,
      })
    }
    const { endpoint, masterUsername: user, databaseName: database } = instance
    const connection = { ...endpoint, user, database, caFile: await fetchCaFile(target, env) }
    // The variables are only defaults, so arguments for psql can name another user or database.
    replaceProcess(program, passedOn, { ...env, ...environment(connection) })
  },
}

function notInstalled(name: string): CliError {
  const install = process.platform === 'darwin' ? 'brew install libpq' : 'sudo apt-get install postgresql-client'
  return new CliError('psql is not installed, or not on the PATH.', {
    next: `${install}; or use another client: holdfast connect ${name}`,
  })
}
