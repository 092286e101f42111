import { CliError, EXIT } from '../cli-error.ts'
import type { CliCommand } from '../command.ts'
import { reset as askReset } from '../holdfast-api.ts'

export const reset: CliCommand = {
  name: 'reset',
  summary: 'Delete everything, in all accounts and regions',
  args: [],
  options: [{ flags: '--yes', summary: 'really delete all databases, snapshots and settings' }],
  hasTarget: true,
  examples: ['holdfast reset --yes'],
  run: async ({ target, options, output }) => {
    if (options['yes'] !== true) {
      throw new CliError('Nothing was deleted.', {
        why: `reset deletes every database, snapshot and setting at ${target.endpoint}, in all accounts and regions`,
        next: 'holdfast reset --yes',
        status: EXIT.usage,
      })
    }
    await askReset(target)
    output.result({ endpoint: target.endpoint, reset: true }, () => `Everything at ${target.endpoint} was deleted.`)
  },
}
