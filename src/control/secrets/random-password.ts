/** GetRandomPassword: a password of the characters that are asked for. */
import type { Random } from '#host/random.ts'
import { invalidParameter } from './faults.ts'
import { PASSWORD_LENGTH_DEFAULT, PASSWORD_LENGTH_MAX } from './limits.ts'

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
/** AWS: GetRandomPassword, ExcludePunctuation. */
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'

export interface PasswordWish {
  readonly PasswordLength?: number | undefined
  readonly ExcludeCharacters?: string | undefined
  readonly ExcludeNumbers?: boolean | undefined
  readonly ExcludePunctuation?: boolean | undefined
  readonly ExcludeUppercase?: boolean | undefined
  readonly ExcludeLowercase?: boolean | undefined
  readonly IncludeSpace?: boolean | undefined
  readonly RequireEachIncludedType?: boolean | undefined
}

export function randomPasswordAs(wish: PasswordWish, random: Random): string {
  const length = wish.PasswordLength ?? PASSWORD_LENGTH_DEFAULT
  if (length < 1 || length > PASSWORD_LENGTH_MAX) {
    throw invalidParameter(`The password length must be between 1 and ${PASSWORD_LENGTH_MAX}.`)
  }
  const excluded = new Set(wish.ExcludeCharacters)
  const types = [
    wish.ExcludeLowercase ? '' : LOWER,
    wish.ExcludeUppercase ? '' : LOWER.toUpperCase(),
    wish.ExcludeNumbers ? '' : '0123456789',
    wish.ExcludePunctuation ? '' : PUNCTUATION,
    wish.IncludeSpace ? ' ' : '',
  ]
    .map((type) => Array.from(type).filter((character) => !excluded.has(character)))
    .filter((type) => type.length > 0)
  const all = types.flat()
  if (all.length === 0) throw invalidParameter('No characters are left to make a password of.')
  const required = (wish.RequireEachIncludedType ?? true) ? types : []
  if (required.length > length) throw invalidParameter('The password is too short to hold each type of character.')
  const password = required.map((type) => pick(type, random))
  while (password.length < length) password.push(pick(all, random))
  return shuffled(password, random).join('')
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[below(from.length, random)]!
}

/** Fisher–Yates: the required characters would otherwise all stand at the start. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items]
  for (let at = result.length - 1; at > 0; at--) {
    const other = below(at + 1, random)
    ;[result[at], result[other]] = [result[other]!, result[at]!]
  }
  return result
}

/** Each number below `count` equally likely: draws beyond the last whole multiple are drawn again. */
function below(count: number, random: Random): number {
  const range = 2 ** 16
  for (;;) {
    const draw = random.bytes(2).readUInt16BE()
    if (draw < range - (range % count)) return draw % count
  }
}
