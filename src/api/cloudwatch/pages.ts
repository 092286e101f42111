/** Paging by NextToken, as CloudWatch does it. */
import { AwsFault } from '#wire/aws/faults.ts'

export interface Pages<T> {
  readonly size: number
  /** Unique; the list is given out in its order. */
  readonly keyOf: (item: T) => string
}

export function pageOf<T>(
  items: readonly T[],
  token: string | undefined,
  { size, keyOf }: Pages<T>,
): { readonly items: T[]; readonly NextToken?: string } {
  const after = token === undefined ? '' : String(readToken(token))
  const rest = items
    .map((item) => ({ key: keyOf(item), item }))
    .filter(({ key }) => key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const given = rest.slice(0, size)
  return {
    items: given.map(({ item }) => item),
    ...(rest.length > given.length && { NextToken: writeToken(given.at(-1)!.key) }),
  }
}

export const writeToken = (place: unknown): string => Buffer.from(JSON.stringify({ place })).toString('base64')

/** The place that {@link writeToken} was given. Throws InvalidNextToken for what was not made by it. */
export function readToken(token: string): unknown {
  try {
    const { place } = JSON.parse(Buffer.from(token, 'base64').toString()) as { place: unknown }
    if (writeToken(place) === token) return place
  } catch {
    // Said below.
  }
  throw new AwsFault('InvalidNextToken', 'The NextToken value is invalid.')
}
