import { Trouble } from '#base/trouble.ts'
import { readBytes } from '#host/disk.ts'
import type { MemberOrder } from '#wire/lognode/messages.ts'
import { SEED_BYTES_MAX } from './limits.ts'

/** The bytes that a member's log begins with. Throws what the request is refused with. */
export async function readSeed({ history, seedPath }: MemberOrder): Promise<Buffer> {
  if (seedPath === undefined) return Buffer.alloc(0)
  const bytes = await readBytes(seedPath, 0, SEED_BYTES_MAX + 1)
  if (!bytes) throw refusal(`there is no file ${seedPath}`)
  if (bytes.length > SEED_BYTES_MAX) throw refusal(`a log begins with at most ${SEED_BYTES_MAX} bytes`)
  if (bytes.length > 0 && history.length !== 1) throw refusal('what a log begins with is of one epoch')
  return bytes
}

export const refusal = (message: string): Trouble => new Trouble(message, { culprit: 'client', retryable: false })
