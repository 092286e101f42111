import { randomBytes, randomUUID } from 'node:crypto'

/** Randomness as a port, so that a simulation can replay a seed. */
export interface Random {
  bytes(count: number): Buffer
  uuid(): string
}

export const systemRandom: Random = { bytes: (count) => randomBytes(count), uuid: () => randomUUID() }

const BASE36_UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/** The shape of RDS resource ids: `db-` and 26 upper-case letters and digits. */
export function resourceId(prefix: string, random: Random): string {
  let id = ''
  for (const byte of random.bytes(26)) id += BASE36_UPPER[byte % BASE36_UPPER.length]
  return `${prefix}-${id}`
}
