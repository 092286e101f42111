/** How many of whom: quorums of a configuration, and of both while members change. Pure. */
import type { MemberId } from '#wire/quorum/messages.ts'
import type { Configuration } from './ports.ts'

const setsOf = ({ members, joint }: Configuration): readonly (readonly MemberId[])[] =>
  joint ? [members, joint] : [members]

/** All members, each once, in order. */
export const membersOf = ({ members, joint }: Configuration): MemberId[] => [...new Set([...members, ...(joint ?? [])])]

/** Whether at least `count` of each set satisfy it. */
export const isQuorum = (of: Configuration, count: number, has: (member: MemberId) => boolean): boolean =>
  setsOf(of).every((set) => set.filter(has).length >= count)

/** The greatest value that at least `count` of each set have or exceed. -Infinity where there is none. */
export function quorumValue(of: Configuration, count: number, valueOf: (member: MemberId) => number): number {
  const ofSets = setsOf(of).map((set) => {
    const values = set.map(valueOf).toSorted((a, b) => b - a)
    return values[count - 1] ?? -Infinity
  })
  return Math.min(...ofSets)
}
