/**
 * Custom endpoints of an Aurora cluster: what may be asked for. AWS: Aurora user guide, "Considerations for custom
 * endpoints"; RDS API reference, CreateDBClusterEndpoint.
 */
import { DBClusterEndpointQuotaExceededFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import { invalidCombination, invalidValue, instanceNotFound } from '../db-instance/faults.ts'
import { requireIdentifier } from '../db-instance/identifiers.ts'
import type { Tag } from '../db-instance/record.ts'
import type { EndpointRole, Membership } from './reach.ts'

export const CUSTOM_ENDPOINTS_MAX = 5

const ROLES: readonly string[] = ['READER', 'WRITER', 'ANY'] satisfies EndpointRole[]

export interface CustomEndpoint {
  /** As its user calls it: one of a kind in the account and region. */
  readonly id: string
  /** The same for life. */
  readonly resourceId: string
  readonly role: EndpointRole
  readonly membership: Membership
  readonly port: number
  readonly isDeleting?: boolean
  readonly tags: readonly Tag[]
}

export const requireEndpointIdentifier = (value: string): string =>
  requireIdentifier('DBClusterEndpointIdentifier', value)

export function requireRole(value: string): EndpointRole {
  if (!ROLES.includes(value))
    throw invalidValue(`Invalid EndpointType: ${value}. The type of a custom endpoint is one of ${ROLES.join(', ')}.`)
  return value as EndpointRole
}

/** Throws the quota's fault where a cluster has as many as it may have. */
export function requireRoomForEndpoint(endpoints: readonly unknown[]): void {
  if (endpoints.length >= CUSTOM_ENDPOINTS_MAX)
    throw fault(
      DBClusterEndpointQuotaExceededFault,
      `A DB cluster can have at most ${CUSTOM_ENDPOINTS_MAX} custom endpoints.`,
    )
}

export interface AskedMembership {
  /** Identifiers of instances. An empty list is the same as none. */
  readonly StaticMembers?: readonly string[] | undefined
  readonly ExcludedMembers?: readonly string[] | undefined
}

interface Named {
  readonly id: string
  readonly resourceId: string
}

/**
 * Which members an endpoint is asked to have; undefined: nothing is said. Lists are kept by resource id: a name that an
 * instance gives up and another one takes brings nobody into an endpoint. Throws for a list with a stranger in it, and for
 * both lists at once.
 */
export function readMembership(
  { StaticMembers = [], ExcludedMembers = [] }: AskedMembership,
  members: readonly Named[],
): Membership | undefined {
  if (StaticMembers.length > 0 && ExcludedMembers.length > 0)
    throw invalidCombination('A custom endpoint can have StaticMembers or ExcludedMembers, not both.')
  if (StaticMembers.length > 0) return { statics: resourceIds(StaticMembers, members) }
  return ExcludedMembers.length > 0 ? { excluded: resourceIds(ExcludedMembers, members) } : undefined
}

function resourceIds(names: readonly string[], members: readonly Named[]): string[] {
  const found = names.map((name) => {
    const member = members.find(({ id }) => id === name.toLowerCase())
    if (!member) throw instanceNotFound(name)
    return member.resourceId
  })
  return [...new Set(found)]
}

/** The endpoints once an instance is gone for good. A static list that had it alone leads to nobody, and not to everybody. */
export const withoutMember = (endpoints: readonly CustomEndpoint[], resourceId: string): CustomEndpoint[] =>
  endpoints.map((endpoint) => {
    const { membership } = endpoint
    const others = (list: readonly string[]): string[] => list.filter((one) => one !== resourceId)
    return {
      ...endpoint,
      membership:
        'statics' in membership ? { statics: others(membership.statics) } : { excluded: others(membership.excluded) },
    }
  })
