import { fetchCaFile } from '../ca-file.ts'
import type { CliCommand } from '../command.ts'
import { spellings } from '../connection-strings.ts'
import { findPostgres } from '../rds-api.ts'

export const connect: CliCommand = {
  name: 'connect',
  summary: 'Print connection strings for common clients',
  args: [{ notation: '<name>', summary: 'identifier of the DB instance' }],
  options: [],
  hasTarget: true,
  examples: ['holdfast connect mydb', 'holdfast connect mydb --json'],
  run: async ({ args, target, env, output }) => {
    const instance = await findPostgres(target, args[0]!)
    const caFile = await fetchCaFile(target, env)
    const all = spellings({
      ...instance.endpoint,
      user: instance.masterUsername,
      database: instance.databaseName,
      caFile,
    })
    const value = Object.fromEntries(all.map(({ key, lines }) => [key, lines.join('\n')]))
    output.result(value, () =>
      all.map(({ title, lines }) => [title, ...lines.map((line) => `  ${line}`)].join('\n')).join('\n\n'),
    )
  },
}
