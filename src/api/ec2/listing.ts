/** What all of EC2's Describe actions do: pick by id, filter, give out in pages. */
import type { Filter } from '@aws-sdk/client-ec2'
import { AwsFault } from '#wire/aws/faults.ts'
import { filtered, type FilterFields } from './filters.ts'

/** AWS: MaxResults of DescribeVpcs, DescribeSubnets, DescribeSecurityGroups. */
const RESULTS_MIN = 5
const RESULTS_MAX = 1_000

export interface ListRequest {
  readonly Filters?: readonly Filter[] | undefined
  readonly NextToken?: string | undefined
  readonly MaxResults?: number | undefined
}

export interface Listable<T> {
  readonly idOf: (record: T) => string
  readonly fields: FilterFields<T>
  /** Ids that were asked for, and the fault for one that is not there. */
  readonly ids?: readonly string[] | undefined
  readonly notFound?: (id: string) => Error
}

export interface Listing<T> {
  readonly items: readonly T[]
  readonly NextToken?: string
}

/** Throws for an unknown id, an unknown filter, a token that was not made here, and a MaxResults out of range. */
export function list<T>(records: readonly T[], request: ListRequest, kind: Listable<T>): Listing<T> {
  const { idOf, ids = [], notFound } = kind
  const missing = ids.find((id) => !records.some((record) => idOf(record) === id))
  if (missing !== undefined && notFound) throw notFound(missing)
  const asked = ids.length > 0 ? records.filter((record) => ids.includes(idOf(record))) : records
  const after = request.NextToken === undefined ? '' : readToken(request.NextToken)
  const rest = filtered(asked, request.Filters, kind.fields)
    .toSorted((a, b) => compare(idOf(a), idOf(b)))
    .filter((record) => compare(idOf(record), after) > 0)
  const items = rest.slice(0, countOf(request.MaxResults))
  const last = items.at(-1)
  return { items, ...(last && rest.length > items.length ? { NextToken: writeToken(idOf(last)) } : {}) }
}

function countOf(asked: number | undefined): number {
  if (asked === undefined) return RESULTS_MAX
  if (asked < RESULTS_MIN)
    throw new AwsFault(
      'InvalidParameterValue',
      `Value ( ${asked} ) for parameter maxResults is invalid. Expecting a value greater than ${RESULTS_MIN}.`,
    )
  return Math.min(asked, RESULTS_MAX)
}

const writeToken = (id: string): string => Buffer.from(`after:${id}`).toString('base64')

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString()
  const id = text.slice('after:'.length)
  if (writeToken(id) !== token) throw new AwsFault('InvalidParameterValue', `Invalid value '${token}' for nextToken`)
  return id
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
