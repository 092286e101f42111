/** Writes ASN.1 in DER: as much of it as certificates need. ITU-T X.690; reading is left to node:crypto. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

const CONTEXT = 0x80
const CONSTRUCTED = 0x20

export function sequence(...parts: readonly Buffer[]): Buffer {
  return element(TAG.sequence, Buffer.concat(parts))
}

export function setOf(only: Buffer): Buffer {
  return element(TAG.set, only)
}

export const derNull = element(TAG.null, Buffer.alloc(0))
export const derTrue = element(TAG.boolean, Buffer.of(0xff))

/** Of an unsigned big-endian number. */
export function integer(unsigned: Buffer): Buffer {
  let start = 0
  while (start < unsigned.length - 1 && unsigned[start] === 0) start++
  const shortest = unsigned.subarray(start)
  // DER integers are signed: a leading one bit would make this negative.
  return element(TAG.integer, shortest[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), shortest]) : shortest)
}

/** `unusedBits`: how many of the last byte's low bits do not belong to the string. */
export function bitString(bytes: Buffer, unusedBits = 0): Buffer {
  return element(TAG.bitString, Buffer.concat([Buffer.of(unusedBits), bytes]))
}

export function octetString(bytes: Buffer): Buffer {
  return element(TAG.octetString, bytes)
}

export function utf8String(text: string): Buffer {
  return element(TAG.utf8String, Buffer.from(text, 'utf8'))
}

/** From dotted decimals, `2.5.29.15`. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number)
  return element(TAG.oid, Buffer.from([first * 40 + second, ...others].flatMap(base128)))
}

/** To the second; UTCTime until 2049 and GeneralizedTime after, as RFC 5280, 4.1.2.5 wants. */
export function time(epochMs: number): Buffer {
  const digits = `${new Date(epochMs).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  return digits < '2050' ? element(TAG.utcTime, digits.slice(2)) : element(TAG.generalizedTime, digits)
}

/** `[number] EXPLICIT` */
export function explicit(number: number, inner: Buffer): Buffer {
  return element(CONTEXT | CONSTRUCTED | number, inner)
}

/** `[number] IMPLICIT` of a primitive type, given its content. */
export function implicit(number: number, content: Buffer): Buffer {
  return element(CONTEXT | number, content)
}

function element(tag: number, content: Buffer | string): Buffer {
  const body = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  return Buffer.concat([Buffer.of(tag), length(body.length), body])
}

function length(count: number): Buffer {
  if (count < 0x80) return Buffer.of(count)
  const bytes: number[] = []
  for (let rest = count; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

function base128(value: number): number[] {
  const bytes = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest % 128))
  return bytes
}
