/**
 * Whether a session's commits may have been reported as done though nobody waited for the standby. A session can mute the
 * engine's warning; what makes the engine stop waiting is known all the same, before the engine can say anything after it:
 *
 *   a request to cancel       comes through the gateway
 *   pg_cancel_backend         leaves a file before it sends the signal (engine/postgres/cancel-marks.ts)
 *   statement_timeout         is off while a command commits, except within a procedure or a DO block
 */
import { join } from 'node:path'
import { isThereNow } from '#host/disk.ts'

/**
 * Times that the engine is ready before what it does was all begun after a request had arrived: it may have said so once
 * just before.
 */
const READY_AFTER_CANCEL = 2

/** Tags of commands. */
const BLOCK_BEGINS = /^(BEGIN|START TRANSACTION)\b/
const BLOCK_ENDS = /^(COMMIT|ROLLBACK|PREPARE TRANSACTION)\b/
const CAN_COMMIT = /^(CALL|DO)\b/

export class Doubt {
  /** The file that pg_cancel_backend leaves. */
  private mark: string | undefined
  private isMarked = false
  /** Requests that may not have arrived at the engine. */
  private underWay = 0
  private readyLeft = 0
  private isInBlock = false
  /** Since the engine was ready last. */
  private hasCompleted = false
  private hasFailed = false
  /** Since it was asked last: something was told as done, and what is known of it at once is reason for doubt. */
  private isNews = false
  private isSuspect = false

  /** The session's process, and where the engine leaves its files. */
  session(pid: number, folder: string): void {
    this.mark = join(folder, String(pid))
  }

  /** A request to cancel is on its way, for as long as the promise is pending; for ever, where that does not know. */
  async cancelled(arrival: Promise<boolean>): Promise<void> {
    this.underWay++
    if (await arrival) this.underWay--
    this.readyLeft = READY_AFTER_CANCEL
  }

  /** The engine has said that a command is done. */
  completed(tag: string): void {
    // What is done within a transaction block commits nothing.
    if (BLOCK_ENDS.test(tag)) this.isInBlock = false
    if (this.isInBlock || BLOCK_BEGINS.test(tag)) return
    this.hasCompleted = true
    this.note(CAN_COMMIT.test(tag))
  }

  failed(): void {
    this.hasFailed = true
  }

  /** The engine has said that it is ready, and in which state. */
  ready(state: string): void {
    this.isInBlock = state !== 'I'
    // What ended with an error, and with nothing done before it, was told to nobody as a success.
    if (!this.isInBlock && (this.hasCompleted || !this.hasFailed)) this.note(false)
    if (this.underWay === 0 && this.readyLeft > 0) this.readyLeft--
    this.hasCompleted = this.hasFailed = false
  }

  /** To be asked after all that the engine has said, before any of it is passed on. */
  isRaised(): boolean {
    const { isNews, isSuspect } = this
    this.isNews = this.isSuspect = false
    if (!isNews) return false
    if (!this.isMarked && this.mark !== undefined) this.isMarked = isThereNow(this.mark)
    return isSuspect || this.isMarked
  }

  private note(isSuspect: boolean): void {
    this.isNews = true
    if (isSuspect || this.underWay > 0 || this.readyLeft > 0) this.isSuspect = true
  }
}
