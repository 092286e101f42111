/** Order and ranges of keys. The order is that of their UTF-8 bytes, as in SQLite and etcd; JavaScript's own differs. */
import { KEY_LENGTH_MAX } from '../limits.ts'

/** Throws on what not every driver can hold: an empty key, a lone surrogate, one that is too long. */
export function checkKey(key: string): void {
  if (key === '') throw new TypeError('a key must not be empty')
  if (key.length > KEY_LENGTH_MAX) throw new RangeError(`key of ${key.length} characters: ${key.slice(0, 80)}…`)
  if (!key.isWellFormed()) throw new TypeError(`key is not well-formed Unicode: ${JSON.stringify(key)}`)
}

export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left !== right) return byteRank(left) - byteRank(right)
  }
  return a.length - b.length
}

/** Surrogates stand for code points beyond U+FFFF, so in UTF-8 they come after every other code unit. */
function byteRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

/** The smallest string after every key that starts with `prefix`; undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (c) => c.codePointAt(0)!)
  while (points.length > 0) {
    const last = points.pop()!
    if (last < 0x10ffff) {
      // The code points between are surrogates, which no well-formed key holds.
      return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
    }
  }
  return undefined
}
