import { InvariantError } from '#base/assert.ts'
import { messageOf } from '#base/trouble.ts'
import { EngineError } from '#engine/engine.ts'
import { brokenDisk, isDiskFull } from '#host/disk.ts'
import type { JobError, JobErrorCode } from '#wire/agent/messages.ts'

/** A job that cannot be done, with the reason that its flow decides on. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure'
  readonly code: JobErrorCode

  constructor(code: JobErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** What anything that a job or an engine threw looks like to serve. A broken invariant is thrown on instead. */
export function jobErrorOf(error: unknown): JobError {
  if (error instanceof InvariantError) throw error
  if (error instanceof JobFailure) return { code: error.code, message: error.message }
  if (isDiskFull(error)) return { code: 'disk-full', message: 'The disk of the host is full.' }
  const broken = brokenDisk(error)
  if (broken) return { code: 'failed', message: `The disk of the host cannot be read or written (${broken}).` }
  if (error instanceof EngineError) return { code: error.code, message: withoutPaths(error.message) }
  return { code: 'failed', message: withoutPaths(messageOf(error)) }
}

/** Users may read these messages; where things lie on the host is not for them. */
function withoutPaths(message: string): string {
  return message.replace(/(?<![\w.:])(?:\/[^\s'":;,()/]+)+\/([^\s'":;,()/]+)/g, '$1')
}
