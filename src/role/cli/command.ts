/** A command of the CLI as data. Each is one file in `commands/`; run.ts puts them on the command line. */
import type { Output } from './output.ts'
import type { Target } from './target.ts'

export interface CliCommand {
  readonly name: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** In commander's notation: `<name>` is required, `[name...]` takes the rest. */
  readonly args: readonly CliArgument[]
  readonly options: readonly CliOption[]
  /** Whether it talks to a running Holdfast, and so takes `--endpoint`, `--account` and `--region`. */
  readonly hasTarget: boolean
  /** Below the options in its help. */
  readonly examples: readonly string[]
  readonly run: (call: CliCall) => Promise<void>
}

export interface CliArgument {
  readonly notation: string
  readonly summary: string
}

export interface CliOption {
  /** `--port <number>` */
  readonly flags: string
  readonly summary: string
  /** Environment variable that is read where the option is not given. */
  readonly env?: string
  readonly default?: string
  /** What the help says of a default that is not the same for everybody. */
  readonly defaultText?: string
  readonly choices?: readonly string[]
}

export interface CliCall {
  readonly args: readonly string[]
  /** By the option's name in camel case; text, or true for a flag. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly target: Target
  readonly output: Output
}

export function textOption(call: CliCall, name: string): string | undefined {
  const value = call.options[name]
  return typeof value === 'string' ? value : undefined
}
