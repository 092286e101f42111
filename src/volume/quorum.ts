/** How many of whom: quorums of a configuration, and of both while members change. Pure. */
import type { Configuration, MemberId } from '#wire/quorum/messages.ts'

const setsOf = ({ members, joint }: Configuration): readonly (readonly MemberId[])[] =>
  joint ? [members, joint] : [members]

/** All members, each once, in order. */
export const membersOf = ({ members, joint }: Configuration): MemberId[] => [...new Set([...members, ...(joint ?? [])])]

/** Whether at least `count` of each set satisfy it. */
export const isQuorum = (of: Configuration, count: number, has: (member: MemberId) => boolean): boolean =>
  setsOf(of).every((set) => set.filter(has).length >= count)

/** The greatest value that at least `count` of each set have or exceed. -Infinity where there is none. No copies: it is asked for every word of a member. */
export function quorumValue(of: Configuration, count: number, valueOf: (member: MemberId) => number): number {
  const value = valueInSet(of.members, count, valueOf)
  return of.joint ? Math.min(value, valueInSet(of.joint, count, valueOf)) : value
}

function valueInSet(set: readonly MemberId[], count: number, valueOf: (member: MemberId) => number): number {
  let greatest = -Infinity
  for (const member of set) {
    const value = valueOf(member)
    if (value <= greatest) continue
    let having = 0
    for (const other of set) if (valueOf(other) >= value) having++
    if (having >= count) greatest = value
  }
  return greatest
}
