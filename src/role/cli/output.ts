import type { CliError } from './cli-error.ts'

/** Where a command writes to. Results go to stdout; what is only said to a person, and errors, to stderr. */
export interface Output {
  /** The result: `value` with `--json`, else `text()`. */
  result(value: unknown, text: () => string): void
  /** A piece of a stream of text, written as it is. */
  stream(text: string): void
  error(error: CliError): void
}

export interface Streams {
  readonly stdout: { write(text: string): void }
  readonly stderr: { write(text: string): void }
}

export function openOutput(streams: Streams, json: boolean): Output {
  const asJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
  return {
    result: (value, text) => streams.stdout.write(json ? asJson(value) : `${text()}\n`),
    stream: (text) => streams.stdout.write(text),
    error({ message: what, why, next }) {
      if (json) return streams.stderr.write(asJson({ error: { what, why, next } }))
      streams.stderr.write(`${what}\n`)
      if (why !== undefined) streams.stderr.write(`  Why:  ${indented(why)}\n`)
      if (next !== undefined) streams.stderr.write(`  Next: ${indented(next)}\n`)
    },
  }
}

/** Under the first line, beside its label. */
function indented(text: string): string {
  return text.replaceAll('\n', '\n        ')
}

/** Columns as wide as their widest cell, two spaces apart, with a head line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
