import type { OpenLogDisk } from '../log-disk.conformance.ts'

export type Work = (done: (error?: Error) => void) => void

/** Resolves when the disk has called back; rejects with its error. A callback from within the call is an error too. */
export async function waited({ settle }: OpenLogDisk, work: Work): Promise<void> {
  let isWithin = true
  let answer: { error: Error | undefined } | undefined
  work((error) => {
    answer = { error: isWithin ? new Error('called back from within the call') : error }
  })
  isWithin = false
  while (answer === undefined) await settle()
  if (answer.error) throw answer.error
}
