/**
 * Syncs in Node's I/O threads. Whoever asks in one turn of the event loop is told in one turn, too: members of a log node
 * mostly ask for the same append, and each word to its head by itself is a wakeup of that.
 */
import fs from 'node:fs'
import { TOGETHER_MS_MAX } from './limits.ts'

type Done = (error?: Error) => void

interface Asked {
  readonly fd: number
  readonly done: Done
}

let asked: Asked[] = []

/** All that was written before is durable when `done` is called, which is later. The file must stay open until then. */
export function syncFile(fd: number, done: Done): void {
  asked.push({ fd, done })
  if (asked.length === 1) process.nextTick(syncAsked)
}

function syncAsked(): void {
  const turn = asked
  asked = []
  const files = turn.length > 1 ? toldTogether(turn) : turn
  for (const { fd, done } of files) fs.fdatasync(fd, (error) => done(error ?? undefined))
}

/** Nobody waits for one that takes much longer than others. */
function toldTogether(turn: readonly Asked[]): Asked[] {
  let left = turn.length
  let synced: (() => void)[] | undefined = []
  const tell = (): void => {
    clearTimeout(timer)
    const told = synced ?? []
    synced = undefined
    for (const one of told) one()
  }
  const timer = setTimeout(tell, TOGETHER_MS_MAX)
  return turn.map(({ fd, done }) => ({
    fd,
    done: (error) => {
      left--
      if (!synced) return done(error)
      synced.push(() => done(error))
      if (left === 0) tell()
    },
  }))
}
