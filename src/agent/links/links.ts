/** The ways of this host's standbys to sources in other regions, where those are to be far away. */
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { Link, type LinkOptions, type LinkTerms } from './link.ts'

interface Follower {
  readonly id: string
  readonly spec: InstanceSpec
}

export class Links {
  private readonly options: LinkOptions
  private readonly links = new Map<string, Link>()
  private ended = false

  constructor(options: LinkOptions) {
    this.options = options
  }

  /** Called whenever something has changed about an instance. */
  look({ id, spec }: Follower): void {
    const terms = termsOf(spec)
    const known = this.links.get(id)
    if (known && terms && known.apply(terms)) return
    if (known) this.drop(id)
    if (terms && !this.ended) this.links.set(id, new Link(terms, this.options))
  }

  /** The instance is no more. */
  drop(id: string): void {
    const link = this.links.get(id)
    this.links.delete(id)
    void link?.close()
  }

  async end(): Promise<void> {
    this.ended = true
    const links = [...this.links.values()]
    this.links.clear()
    await Promise.all(links.map((link) => link.close()))
  }
}

function termsOf({ replication }: InstanceSpec): LinkTerms | undefined {
  if (replication?.role !== 'standby' || !replication.source.link) return undefined
  const { host, port, link } = replication.source
  return { port: link.port, to: { host, port }, delayMs: link.delayMs }
}
