/** Statuses that the CLI ends with. Scripts depend on them. */
export const EXIT = { failed: 1, usage: 2, unreachable: 3, notFound: 4 } as const

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT]

/** Something that the person at the terminal is told in three lines: what happened, why, and the next command. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly why: string | undefined
  readonly next: string | undefined
  readonly status: ExitStatus

  constructor(
    what: string,
    details: { why?: string | undefined; next?: string | undefined; status?: ExitStatus } = {},
  ) {
    super(what)
    this.why = details.why
    this.next = details.next
    this.status = details.status ?? EXIT.failed
  }
}
