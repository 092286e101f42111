/** Facts about this machine and this process. */
import { availableParallelism, totalmem } from 'node:os'

/** Memory that processes here may use together: of the machine, or of the container where that is less. Bytes. */
export function memoryBytes(): number {
  const limit = process.constrainedMemory()
  return limit > 0 && limit < totalmem() ? limit : totalmem()
}

/** Processors that processes here may use at once. */
export function processors(): number {
  return availableParallelism()
}

/** Resident memory of this process. Bytes. */
export function residentBytes(): number {
  return process.memoryUsage.rss()
}

/** Memory that processes here could still get without swapping. Bytes. */
export function availableMemoryBytes(): number {
  return process.availableMemory()
}
