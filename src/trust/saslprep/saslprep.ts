import { LEFT_TO_RIGHT, MAPPED_TO_NOTHING, NON_ASCII_SPACE, PROHIBITED, RIGHT_TO_LEFT, UNASSIGNED } from './tables.ts'
import type { CodePointRanges } from './tables.ts'

/**
 * A password as PostgreSQL prepares it before hashing: RFC 4013, and the password itself where that forbids it.
 *
 * Like PostgreSQL (src/common/saslprep.c) and unlike the RFC's text, what is forbidden is looked for before the
 * normalisation, not after it: the server and every libpq must come to the same bytes.
 */
export function saslprep(password: string): string {
  if (!/[^\0-\x7f]/.test(password)) return password
  const mapped: number[] = []
  for (const character of password) {
    const codePoint = character.codePointAt(0)!
    // U+200B stands in both tables; as a space it is looked up first.
    if (contains(NON_ASCII_SPACE, codePoint)) mapped.push(0x20)
    else if (!contains(MAPPED_TO_NOTHING, codePoint)) mapped.push(codePoint)
  }
  const forbidden = mapped.some((c) => contains(PROHIBITED, c) || contains(UNASSIGNED, c))
  if (mapped.length === 0 || forbidden || !isOneDirection(mapped)) return password
  return mapped
    .map((c) => String.fromCodePoint(c))
    .join('')
    .normalize('NFKC')
}

/** RFC 3454, section 6: text with a right-to-left character has no left-to-right one, and begins and ends with such. */
function isOneDirection(text: readonly number[]): boolean {
  if (!text.some((c) => contains(RIGHT_TO_LEFT, c))) return true
  if (text.some((c) => contains(LEFT_TO_RIGHT, c))) return false
  return contains(RIGHT_TO_LEFT, text[0]!) && contains(RIGHT_TO_LEFT, text.at(-1)!)
}

function contains(ranges: CodePointRanges, codePoint: number): boolean {
  let low = 0
  let high = ranges.length / 2 - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    if (codePoint < ranges[middle * 2]!) high = middle - 1
    else if (codePoint > ranges[middle * 2 + 1]!) low = middle + 1
    else return true
  }
  return false
}
