/** Paging by NextToken and MaxResults, as Secrets Manager does it. */
import { InvalidNextTokenException } from '@aws-sdk/client-secrets-manager'
import { invalidParameter } from '#control/secrets/faults.ts'
import { fault } from '#wire/aws/faults.ts'

/** AWS: ListSecrets, MaxResults. */
const RESULTS_MAX = 100

interface PageRequest {
  readonly NextToken?: string | undefined
  readonly MaxResults?: number | undefined
}

interface PageOrder<T> {
  /** Unique; the list is given out in its order. */
  readonly keyOf: (item: T) => string
  readonly descending: boolean
}

export function pageOf<T>(
  items: readonly T[],
  request: PageRequest,
  { keyOf, descending }: PageOrder<T>,
): { readonly items: T[]; readonly NextToken?: string } {
  const count = request.MaxResults ?? RESULTS_MAX
  if (count < 1 || count > RESULTS_MAX) throw invalidParameter(`MaxResults must be between 1 and ${RESULTS_MAX}.`)
  const after = request.NextToken === undefined ? undefined : readToken(request.NextToken)
  const compare = (a: string, b: string): number => (a === b ? 0 : a < b === descending ? 1 : -1)
  const rest = items
    .filter((item) => after === undefined || compare(keyOf(item), after) > 0)
    .sort((a, b) => compare(keyOf(a), keyOf(b)))
  const given = rest.slice(0, count)
  const last = given.at(-1)
  return { items: given, ...(last && rest.length > given.length ? { NextToken: writeToken(keyOf(last)) } : {}) }
}

const writeToken = (key: string): string => Buffer.from(`after:${key}`).toString('base64')

function readToken(token: string): string {
  const key = Buffer.from(token, 'base64').toString().slice('after:'.length)
  if (writeToken(key) !== token) throw fault(InvalidNextTokenException, 'The NextToken value is invalid.')
  return key
}
