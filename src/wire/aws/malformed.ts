/**
 * A value on the wire that is not of its member's type. Readers throw it; `wording.ts` turns it into the service's own
 * fault, because each service names it differently.
 */
export class Malformed extends Error {
  override readonly name = 'Malformed'
  /** Where, in the model's names: `Tags.2.Key`; empty for the body as a whole. */
  readonly path: string
  /** What was there, shortened. */
  readonly given: string
  /** What should have been there: `a boolean`. */
  readonly wanted: string

  constructor(path: string, given: unknown, wanted: string) {
    const shown = shorten(given)
    super(`${path || 'body'}: ${shown} is not ${wanted}`)
    this.path = path
    this.given = shown
    this.wanted = wanted
  }
}

const GIVEN_CHARACTERS_MAX = 100

function shorten(given: unknown): string {
  const text = typeof given === 'object' && given !== null ? nameOf(given) : String(given)
  return text.length > GIVEN_CHARACTERS_MAX ? `${text.slice(0, GIVEN_CHARACTERS_MAX)}…` : text
}

const nameOf = (given: object): string => (Array.isArray(given) ? 'a list' : 'a structure')
