/** A member as the feed reads it. */
import type { Epoch, History, Position } from '#wire/quorum/messages.ts'
import type { Member } from '../member.ts'
import type { LogSource } from './log-source.ts'

type ReadableMember = Pick<Member, 'history' | 'first' | 'shownTo' | 'read'>

export class MemberSource implements LogSource {
  readonly systemId: string
  private readonly member: ReadableMember
  private readonly watchers = new Set<() => void>()

  constructor(member: ReadableMember, systemId: string) {
    this.member = member
    this.systemId = systemId
  }

  history(): History {
    return this.member.history
  }

  first(): Position {
    return this.member.first
  }

  shown(reader: string): Position {
    return this.member.shownTo(reader)
  }

  read(position: Position, bytesMax: number): { readonly epoch: Epoch; readonly bytes: Buffer } {
    const found = this.member.read(position, bytesMax)
    if (!found) throw new Error(`the member does not give what it has at ${position}`)
    return found
  }

  watch(changed: () => void): () => void {
    this.watchers.add(changed)
    return () => this.watchers.delete(changed)
  }

  /** To be called when the member says so: `MemberSurroundings.advanced`. */
  advanced(): void {
    for (const changed of this.watchers) changed()
  }
}
