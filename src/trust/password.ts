import type { Random } from '#host/random.ts'
import { PASSWORD_CHARS } from './limits.ts'

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()
const DIGITS = '0123456789'
/** Printable ASCII but the space and `/ " ' @`, which RDS admits in no master password. */
const MARKS = '!#$%&()*+,-.:;<=>?[\\]^_`{|}~'
const KINDS = [LOWER, UPPER, DIGITS, MARKS]
const ALL = KINDS.join('')

/** A password as RDS makes for a managed master user: 28 characters with at least one of each kind; over 180 bits. */
export function randomPassword(random: Random, length: number = PASSWORD_CHARS): string {
  if (length < KINDS.length) throw new Error(`a password of ${length} characters cannot hold one of each kind`)
  for (;;) {
    // Drawn again as a whole, not mended in one place, so that every admissible password is equally likely.
    const password = Array.from({ length }, () => draw(random)).join('')
    if (KINDS.every((kind) => password.split('').some((character) => kind.includes(character)))) return password
  }
}

/** One character, each equally likely: bytes beyond the last whole multiple are drawn again. */
function draw(random: Random): string {
  const limit = 256 - (256 % ALL.length)
  for (;;) {
    const byte = random.bytes(1)[0]!
    if (byte < limit) return ALL[byte % ALL.length]!
  }
}
