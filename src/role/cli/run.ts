/** The command line: `runCli` reads it, runs one command, and says what went wrong. */
import { Command, CommanderError, Option } from 'commander'
import { messageOf } from '#base/trouble.ts'
import { VERSION } from '../version.ts'
import { CliError, EXIT } from './cli-error.ts'
import type { CliCommand } from './command.ts'
import { connect } from './commands/connect.ts'
import { engines } from './commands/engines.ts'
import { logs } from './commands/logs.ts'
import { psql } from './commands/psql.ts'
import { reset } from './commands/reset.ts'
import { start } from './commands/start.ts'
import { status } from './commands/status.ts'
import { stop } from './commands/stop.ts'
import { openOutput } from './output.ts'
import { targetOf } from './target.ts'

const COMMANDS: readonly CliCommand[] = [start, stop, status, psql, logs, connect, engines, reset]

/** Never rejects; `process.exitCode` says how it went (see `EXIT`). */
export async function runCli(argv: readonly string[]): Promise<void> {
  // Whoever reads our output may stop reading: `holdfast logs db | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
  try {
    await programOf().parseAsync([...argv], { from: 'user' })
  } catch (error) {
    const json = argv.includes('--json')
    if (error instanceof CommanderError) {
      // Commander has said it already; help that was asked for is no failure.
      process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage
      return
    }
    const told = error instanceof CliError ? error : new CliError(messageOf(error), { next: debugHint(error) })
    openOutput(process, json).error(told)
    process.exitCode = told.status
  }
}

/** What nobody foresaw is a bug, or a machine in trouble: its stack is worth having. */
function debugHint(error: unknown): string | undefined {
  if (process.env['HOLDFAST_LOG'] !== 'debug') return 'HOLDFAST_LOG=debug shows where it happened'
  return error instanceof Error ? error.stack : undefined
}

function programOf(): Command {
  const program = new Command('holdfast')
    .description('Managed databases on your own machines, behind the AWS APIs.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('Next: holdfast --help')
    .configureHelp({ helpWidth: HELP_COLUMNS })
  for (const command of COMMANDS) program.addCommand(commandOf(command))
  return program
}

/** The same in every terminal, so that it can be compared. */
const HELP_COLUMNS = 100

function commandOf(spec: CliCommand): Command {
  const command = new Command(spec.name)
    .summary(spec.summary)
    .description(`${spec.summary}.`)
    .helpOption('--help', 'print this help')
    .exitOverride()
    .showHelpAfterError(`Next: holdfast ${spec.name} --help`)
    .configureHelp({ helpWidth: HELP_COLUMNS })
  for (const { notation, summary } of spec.args) command.argument(notation, summary)
  for (const one of spec.options) {
    const option = new Option(one.flags, one.summary)
    if (one.env !== undefined) option.env(one.env)
    if (one.default !== undefined) option.default(one.default, one.defaultText)
    if (one.choices !== undefined) option.choices([...one.choices])
    command.addOption(option)
  }
  command.option('--json', 'print the result, or what went wrong, as JSON')
  if (spec.hasTarget) {
    command
      .option('--endpoint <url>', 'where Holdfast answers (env: HOLDFAST_ENDPOINT, AWS_ENDPOINT_URL)')
      .option('--account <id>', 'twelve digits; otherwise the access key decides (env: AWS_ACCESS_KEY_ID)')
      .option('--region <name>', 'region to look in (env: AWS_REGION, AWS_DEFAULT_REGION)')
  }
  command.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`)
  return command.action(async () => {
    const options = command.opts<Record<string, string | boolean | undefined>>()
    const output = openOutput(process, options['json'] === true)
    const { env } = process
    await spec.run({ args: command.args, options, env, target: targetOf(options, env), output })
  })
}
