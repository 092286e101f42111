/**
 * The members of one volume that are on this host, as one log: what the furthest of them shows, read from whichever has it.
 */
import type { Epoch, History, Position } from '#wire/quorum/messages.ts'
import { compareLogs } from '../history.ts'
import type { Member } from '../member.ts'
import type { LogSource } from './log-source.ts'

type ReadableMember = Pick<Member, 'history' | 'first' | 'durable' | 'shownTo' | 'read'>

export class VolumeSource implements LogSource {
  readonly systemId: string
  private readonly members = new Set<ReadableMember>()
  private readonly watchers = new Set<() => void>()

  constructor(systemId: string) {
    this.systemId = systemId
  }

  /** Without any, nobody is to be let in. */
  get isEmpty(): boolean {
    return this.members.size === 0
  }

  add(member: ReadableMember): void {
    this.members.add(member)
    this.advanced()
  }

  remove(member: ReadableMember): void {
    this.members.delete(member)
    this.advanced()
  }

  /** To be called when a member says so: `MemberSurroundings.advanced`. */
  advanced(): void {
    for (const changed of this.watchers) changed()
  }

  history(): History {
    return this.agreeing()[0]?.history ?? []
  }

  first(): Position {
    return Math.min(...this.agreeing().map(({ first }) => first))
  }

  shown(reader: string): Position {
    return Math.max(0, ...this.agreeing().map((member) => member.shownTo(reader)))
  }

  read(position: Position, bytesMax: number): { readonly epoch: Epoch; readonly bytes: Buffer } {
    for (const member of this.agreeing()) {
      const found = member.read(position, bytesMax)
      if (found) return found
    }
    throw new Error(`no member here gives what it has at ${position}`)
  }

  watch(changed: () => void): () => void {
    this.watchers.add(changed)
    return () => this.watchers.delete(changed)
  }

  /** The member that shows most to everybody, and those that have the same history. Others may have what is cut off yet. */
  private agreeing(): readonly ReadableMember[] {
    if (this.members.size === 1) return [...this.members]
    const [best, ...others] = [...this.members].sort((a, b) => compareLogs(shownOf(b), shownOf(a)))
    return best ? [best, ...others.filter(({ history }) => isSame(history, best.history))] : []
  }
}

const shownOf = (member: ReadableMember): { history: History; end: Position } => ({
  history: member.history,
  end: member.shownTo(''),
})

const isSame = (a: History, b: History): boolean =>
  a.length === b.length && a.every(({ epoch, start }, at) => epoch === b[at]!.epoch && start === b[at]!.start)
