/** IPv4 and IPv6 address blocks, as EC2 takes them. */

/** Addresses `first` to `first + 2^(32 - bits) - 1`. */
export interface Ipv4Block {
  readonly first: number
  readonly bits: number
}

/** Undefined unless the text is `a.b.c.d/n`. Bits beyond the prefix are cleared, as EC2 does. */
export function parseIpv4Block(text: string): Ipv4Block | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  if (!match) return undefined
  const [a, b, c, d, bits] = match.slice(1).map(Number) as [number, number, number, number, number]
  if (Math.max(a, b, c, d) > 255 || bits > 32) return undefined
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  return { first: address - (address % sizeOf(bits)), bits }
}

export function formatIpv4Block({ first, bits }: Ipv4Block): string {
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${bits}`
}

export function addressCount({ bits }: Ipv4Block): number {
  return sizeOf(bits)
}

export function contains(outer: Ipv4Block, inner: Ipv4Block): boolean {
  return outer.first <= inner.first && inner.first + sizeOf(inner.bits) <= outer.first + sizeOf(outer.bits)
}

export function overlap(a: Ipv4Block, b: Ipv4Block): boolean {
  return contains(a, b) || contains(b, a)
}

/** The n-th block of this size within another. */
export function subBlock(outer: Ipv4Block, bits: number, index: number): Ipv4Block {
  return { first: outer.first + index * sizeOf(bits), bits }
}

export function isIpv6Block(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/')
  return more.length === 0 && URL.canParse(`http://[${address}]/`) && /^\d{1,3}$/.test(bits) && Number(bits) <= 128
}

const sizeOf = (bits: number): number => 2 ** (32 - bits)
