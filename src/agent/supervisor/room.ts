/** What is done where a volume has no byte left. */
import type { JobError } from '#wire/agent/messages.ts'
import { jobErrorOf } from '../job/failure.ts'
import type { InstanceVolume } from '../volumes.ts'

/**
 * Does what needs a little room. On a volume that is full to the last byte it is done again with what was set aside for
 * that: an engine that cannot come up can neither be read nor be deleted from.
 */
export async function withRoom<T>(volume: InstanceVolume, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (jobErrorOf(error).code !== 'disk-full' || !(await volume.dropBallast())) throw error
    return work()
  }
}

/** It is not the host that has no room where the volume is full. */
export async function startErrorOf(volume: InstanceVolume, cause: unknown): Promise<JobError> {
  const error = jobErrorOf(cause)
  if (error.code !== 'disk-full') return error
  const room = await volume.room().catch(() => undefined)
  return room && room.freeBytes < room.hostFreeBytes ? { ...error, message: FULL_VOLUME } : error
}

const FULL_VOLUME = 'The allocated storage is full, and the engine has no room left to start: allocate more.'
