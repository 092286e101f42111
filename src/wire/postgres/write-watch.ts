/**
 * Whether a session's transaction wrote, as far as the tags of its commands tell. A `SELECT` whose functions write, or
 * that makes a table, has the tag of one that reads, and passes for it.
 */
const READING =
  /^(SELECT|FETCH|MOVE|SHOW|SET|RESET|BEGIN|START TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PREPARE|DEALLOCATE|EXPLAIN|LISTEN|UNLISTEN|NOTIFY|DECLARE CURSOR|CLOSE CURSOR|DISCARD|CHECKPOINT|LOCK TABLE)\b/

export class WriteWatch {
  private wrote = false
  private isCopyingOut = false

  /** The engine has begun to copy a table to the client: the tag is that of copying into one. */
  copyingOut(): void {
    this.isCopyingOut = true
  }

  /** Given the body of each `CommandComplete`. */
  completed(body: Buffer): void {
    if (!this.isCopyingOut && !READING.test(body.toString('latin1'))) this.wrote = true
    this.isCopyingOut = false
  }

  /** Given the body of each `ReadyForQuery`: whether a transaction that wrote has just ended. */
  ready(body: Buffer): boolean {
    this.isCopyingOut = false
    if (body.toString('latin1') !== 'I') return false
    const { wrote } = this
    this.wrote = false
    return wrote
  }
}
