import type { ObservedMember } from '#wire/lognode/messages.ts'
import { MemoryRelays } from './memory-relays.ts'
import type { ConnectedLogNode } from './log-node.ts'

/** A log node without processes and without bytes: it knows which members it has, and that is all. */
export function memoryLogNode(): ConnectedLogNode {
  const relays = new MemoryRelays()
  const members = new Map<string, ObservedMember>()
  const keyOf = (volume: string, member: string): string => `${volume}/${member}`
  const listeners = new Set<() => void>()
  let node: string | undefined
  const changed = (): void => listeners.forEach((listener) => listener())
  return {
    async configure(terms) {
      ;({ node } = terms)
    },
    async describe() {},
    async create({ volume, member, start, history }) {
      const log = { promised: 0, history, first: start, end: start, durable: start }
      if (!members.has(keyOf(volume, member)))
        members.set(keyOf(volume, member), { volume, member, state: 'open', ...log })
      changed()
    },
    async remove(volume, member) {
      members.delete(keyOf(volume, member))
      changed()
    },
    async prune() {},
    async relay(terms) {
      relays.keep(terms)
    },
    async endRelay(volume) {
      relays.end(volume)
    },
    get busy() {
      return members.size > 0
    },
    observed: () => ({
      pid: process.pid,
      doors: { node, listening: node !== undefined, problem: undefined },
      members: [...members.values()],
      readers: [],
      relays: relays.observed(),
    }),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    rouse() {},
    async shutDown() {},
    close() {},
  }
}
