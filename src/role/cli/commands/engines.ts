import type { CliCommand } from '../command.ts'
import { engines as listEngines } from '../holdfast-api.ts'
import { table } from '../output.ts'

export const engines: CliCommand = {
  name: 'engines',
  summary: 'List the engine versions that can run here',
  args: [],
  options: [],
  hasTarget: true,
  examples: ['holdfast engines'],
  run: async ({ target, output }) => {
    const rows = await listEngines(target)
    output.result({ engines: rows }, () =>
      table(
        ['ENGINE', 'VERSION', 'INSTALLED', 'SOURCE'],
        rows.map(({ engine, version, installed, source }) => [
          engine,
          version,
          installed ? 'yes' : 'when needed',
          source,
        ]),
      ),
    )
  },
}
