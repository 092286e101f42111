/** What SQLite's errors mean for whoever uses the store. Source: sqlite.org/rescode.html. */
import { InvariantError } from '#base/assert.ts'
import { Trouble } from '#base/trouble.ts'
import { StoreBusyError, StoreCorruptError } from '../store.ts'

const BUSY = 5
const CORRUPT = 11
const FULL = 13
const NOT_A_DATABASE = 26
/** Extended: the disk said that what was written is not safe. */
const IO_ERROR_FSYNC = 1_034

/** The error to throw in place of one that node:sqlite threw. `work` is a verb phrase. */
export function translate(error: unknown, path: string, work: string): unknown {
  const code = codeOf(error)
  if (code === undefined) return error
  if (code === IO_ERROR_FSYNC) {
    // After a failed fsync the kernel may drop the pages and report success the next time: nothing can be promised.
    return new InvariantError(`${work}: the disk failed to make ${path} durable`, { cause: error })
  }
  switch (code & 0xff) {
    case BUSY:
      return new StoreBusyError(`${path} is in use by another process`, { cause: error })
    case CORRUPT:
    case NOT_A_DATABASE:
      return corrupt(path, 'is damaged or not a Holdfast state file', error)
    case FULL:
      return new Trouble(`${work}: the disk that holds ${path} is full; nothing was written. Free some space`, {
        culprit: 'us',
        retryable: true,
        cause: error,
      })
    default:
      return new Trouble(`${work}: ${path}`, { culprit: 'us', retryable: true, cause: error })
  }
}

export function corrupt(path: string, what: string, cause?: unknown): StoreCorruptError {
  return new StoreCorruptError(
    `${path} ${what}. Put back a copy of it, or move it (with the files beside it that start with its name) away ` +
      'to begin with an empty state',
    { cause },
  )
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined
}
