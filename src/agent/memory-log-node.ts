import type { ObservedMember } from '#wire/lognode/messages.ts'
import type { ConnectedLogNode } from './log-node.ts'

/** A log node without processes and without bytes: it knows which members it has, and that is all. */
export function memoryLogNode(): ConnectedLogNode {
  const members = new Map<string, ObservedMember>()
  const keyOf = (volume: string, member: string): string => `${volume}/${member}`
  let node: string | undefined
  return {
    async configure(terms) {
      ;({ node } = terms)
    },
    async describe() {},
    async create({ volume, member, start, history }) {
      const log = { promised: 0, history, first: start, end: start, durable: start }
      if (!members.has(keyOf(volume, member)))
        members.set(keyOf(volume, member), { volume, member, state: 'open', ...log })
    },
    async remove(volume, member) {
      members.delete(keyOf(volume, member))
    },
    async prune() {},
    get busy() {
      return members.size > 0
    },
    observed: () => ({
      pid: process.pid,
      doors: { node, listening: node !== undefined, problem: undefined },
      members: [...members.values()],
      readers: [],
    }),
    onChange: () => () => {},
    rouse() {},
    async shutDown() {},
    close() {},
  }
}
