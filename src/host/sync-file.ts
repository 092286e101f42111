/**
 * Where a file is synced: in the event loop or in Node's I/O threads. A thread is a way there and back, which costs as much
 * of a processor again as the sync of a small write does; in the loop nobody is heard meanwhile. So one file in a turn is
 * synced in the loop, where the disk is fast, and others beside it in threads.
 */
import fs from 'node:fs'
import { LOOP_SYNC_MS_MAX } from './limits.ts'

type Done = (error?: Error) => void

interface Asked {
  readonly fd: number
  readonly done: Done
}

/** How much of the average one sync is. */
const SHARE = 1 / 16

let asked: Asked[] = []
/** Of one sync, wherever it was. Milliseconds. */
let averageMs = 0

/** All that was written before is durable when `done` is called, which is later. The file must stay open until then. */
export function syncFile(fd: number, done: Done): void {
  asked.push({ fd, done })
  if (asked.length === 1) process.nextTick(syncAsked)
}

function syncAsked(): void {
  const turn = asked
  asked = []
  const here = averageMs < LOOP_SYNC_MS_MAX ? turn.pop() : undefined
  // They begin first.
  for (const one of turn) syncElsewhere(one)
  if (here) syncHere(here)
}

function syncElsewhere({ fd, done }: Asked): void {
  const start = performance.now()
  fs.fdatasync(fd, (error) => {
    noteTime(start)
    done(error ?? undefined)
  })
}

function syncHere({ fd, done }: Asked): void {
  const start = performance.now()
  let failure: Error | undefined
  try {
    fs.fdatasyncSync(fd)
  } catch (error) {
    failure = error as Error
  }
  noteTime(start)
  done(failure)
}

function noteTime(start: number): void {
  averageMs += (performance.now() - start - averageMs) * SHARE
}
