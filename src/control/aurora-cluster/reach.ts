/** Whom the endpoints of an Aurora cluster lead to. Pure. */

/** An instance of the cluster, as far as endpoints care. */
export interface Reachable {
  readonly resourceId: string
  readonly isWriter: boolean
  /** It accepts connections, and shows what it may. */
  readonly isServing: boolean
  /** It would serve, once it is woken. */
  readonly isPaused: boolean
}

/** Which instances belong to a custom endpoint: those that are named, or all but those that are. By resource id. */
export type Membership = { readonly statics: readonly string[] } | { readonly excluded: readonly string[] }

export type EndpointRole = 'READER' | 'WRITER' | 'ANY'

export interface CustomReach {
  readonly role: EndpointRole
  readonly membership: Membership
}

const serving = <M extends Reachable>(members: readonly M[]): M[] => members.filter(({ isServing }) => isServing)

/** The cluster endpoint: the writer, or nobody while there is none. */
export const clusterEndpointTargets = <M extends Reachable>(members: readonly M[]): M[] =>
  serving(members).filter(({ isWriter }) => isWriter)

/**
 * The reader endpoint: the readers, and the writer where no reader serves. While the only ones are paused whoever comes
 * waits for one of them.
 */
export function readerEndpointTargets<M extends Reachable>(members: readonly M[]): M[] {
  const readers = serving(members).filter(({ isWriter }) => !isWriter)
  if (readers.length > 0) return readers
  return members.some((member) => member.isPaused && !member.isWriter) ? [] : clusterEndpointTargets(members)
}

/**
 * A custom endpoint: those that belong to it, and whose role it is for. It falls back to nobody, as on AWS: who made it
 * wants these and no others. A reader that has become the writer stays in the list of a READER endpoint, and is not led to.
 */
export const customEndpointTargets = <M extends Reachable>(
  { role, membership }: CustomReach,
  members: readonly M[],
): M[] => serving(members).filter((member) => belongs(membership, member) && hasRole(role, member))

export const instanceEndpointTargets = <M extends Reachable>(resourceId: string, members: readonly M[]): M[] =>
  serving(members).filter((member) => member.resourceId === resourceId)

const belongs = (membership: Membership, { resourceId }: Pick<Reachable, 'resourceId'>): boolean =>
  'statics' in membership ? membership.statics.includes(resourceId) : !membership.excluded.includes(resourceId)

const hasRole = (role: EndpointRole, { isWriter }: Reachable): boolean =>
  role === 'ANY' || (role === 'WRITER') === isWriter
