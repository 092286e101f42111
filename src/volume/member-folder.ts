/** A member's folder: how it is made, and what of it is found again. */
import { assert } from '#base/assert.ts'
import type { History, MemberId, Position } from '#wire/quorum/messages.ts'
import { epochAt } from './history.ts'
import { AGAIN_MS } from './limits.ts'
import { MemberLog, type MemberLogOptions } from './member-log.ts'
import { MemberState, type MemberRecord } from './member-state.ts'
import type { MemberSurroundings } from './ports.ts'

export interface MemberSeed {
  readonly id: MemberId
  /** Distinguishes frames of this volume; the same for all its members. */
  readonly volume: number
  /** Empty: of a member that replaces another; it gets the log, and its history, from its peers. */
  readonly history: History
  /** Where the log here begins. */
  readonly start: Position
  /** What a volume begins with, all of the history's first epoch. */
  readonly bytes: Buffer
}

export interface FolderOptions {
  /** For tests: files small enough that there are many. */
  readonly fileBytes?: number
}

export interface MemberFolder {
  readonly state: MemberState
  readonly log: MemberLog
  /** The highest durable point that was noted. */
  readonly durable: Position
}

/** Makes a member in an empty folder. It is one once `done` is called; may be done again before that. */
export function createFolder(
  around: MemberSurroundings,
  { id, volume, history, start, bytes }: MemberSeed,
  done: () => void,
): void {
  const found = MemberLog.open(logOptions(around, volume, {}), { history, start })
  assert(typeof found !== 'string', 'a new member begins with an empty folder')
  const { log } = found
  log.cut(start)
  if (bytes.length > 0 && !log.take(epochAt(history, start)!, bytes, start))
    return around.failed('there is no room for what the log begins with')
  log.sync(() => {
    const record: MemberRecord = { id, volume, history, start, promised: history.at(-1)?.epoch ?? 0 }
    MemberState.create(around.disk, record, (error) => {
      if (error) around.failed('the first state could not be kept', error)
      else done()
    })
  })
}

/** Undefined: there is no member, or none any more, which `failed` was told. */
export function openFolder(around: MemberSurroundings, options: FolderOptions): MemberFolder | undefined {
  const state = MemberState.load(around.disk, {
    failed: (error) => around.failed('what was promised could not be kept', error),
    again: (run) => void around.clock.after(AGAIN_MS, run),
  })
  if (!state) return undefined
  if (state === 'damaged') {
    around.failed('what was promised is damaged')
    return undefined
  }
  const { volume, history, start } = state.record
  const found = MemberLog.open(logOptions(around, volume, options), { history, start })
  if (typeof found !== 'string') return { state, ...found }
  around.failed(found)
  return undefined
}

const logOptions = (around: MemberSurroundings, volume: number, options: FolderOptions): MemberLogOptions => ({
  ...options,
  disk: around.disk,
  volume,
  failed: (reason, error) => around.failed(reason, error),
})
