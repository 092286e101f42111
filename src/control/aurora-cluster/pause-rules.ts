/**
 * Which serverless instances of an Aurora cluster may be paused, and which must be woken. Pure.
 *
 * The writer and the readers of the tiers 0 and 1 pause and wake together; the writer is awake whenever any reader is.
 * Readers of other tiers pause by themselves. AWS: Aurora user guide, "Scaling to zero ACUs with automatic pause and
 * resume", How auto-pause works.
 */

export interface PauseMember {
  readonly resourceId: string
  readonly isWriter: boolean
  readonly isServerless: boolean
  /** It is the writer, or a reader that goes with it. */
  readonly goesWithWriter: boolean
  readonly isPaused: boolean
  /** How long nobody has been connected to it, as far as is known; 0: somebody is, or it is in the middle of something. */
  readonly idleMs: number
}

export interface MayPause {
  /** The writer's group, the writer last: it ends after those who follow it. Empty: not now. */
  readonly group: readonly string[]
  readonly readers: readonly string[]
}

export function mayPause(members: readonly PauseMember[], afterMs: number): MayPause {
  const isIdle = ({ isServerless, isPaused, idleMs }: PauseMember): boolean =>
    isServerless && !isPaused && idleMs >= afterMs
  const group = members.filter(({ goesWithWriter }) => goesWithWriter)
  const others = members.filter(({ goesWithWriter }) => !goesWithWriter)
  const isGroupIdle = group.some(({ isWriter }) => isWriter) && group.every(isIdle)
  return {
    group: isGroupIdle && others.every(({ isPaused }) => isPaused) ? idsOf(writerLast(group)) : [],
    readers: idsOf(others.filter(isIdle)),
  }
}

const idsOf = (members: readonly PauseMember[]): string[] => members.map(({ resourceId }) => resourceId)

const writerLast = (members: readonly PauseMember[]): PauseMember[] =>
  members.toSorted((a, b) => Number(a.isWriter) - Number(b.isWriter))

export interface MustWake {
  readonly writer: boolean
  /** None while the writer sleeps: it comes first. */
  readonly readers: readonly string[]
}

type Sleeper = Pick<PauseMember, 'resourceId' | 'isWriter' | 'goesWithWriter' | 'isPaused'>

/** `wanted`: somebody waits for it. `all`: none may be paused any more. */
export function mustWake(members: readonly Sleeper[], wanted: ReadonlySet<string>, all: boolean): MustWake {
  const readers = members.filter(({ isWriter }) => !isWriter)
  const isAsleep = members.some(({ isWriter, isPaused }) => isWriter && isPaused)
  if (isAsleep) return { writer: all || wanted.size > 0 || readers.some(({ isPaused }) => !isPaused), readers: [] }
  const woken = readers.filter(
    ({ resourceId, isPaused, goesWithWriter }) => isPaused && (all || goesWithWriter || wanted.has(resourceId)),
  )
  return { writer: false, readers: woken.map(({ resourceId }) => resourceId) }
}

/** Whom those who wait at an endpoint wait for: the first of its instances, where all of them are paused. */
export function wantedOf(members: readonly Sleeper[]): string | undefined {
  return members.every(({ isPaused }) => isPaused) ? members[0]?.resourceId : undefined
}
