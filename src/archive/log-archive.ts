/** The archived log of one instance: written in portions as it comes, joined to segments, read as a chain. */
import { assert } from '#base/assert.ts'
import { lsnText, segmentStart } from '#wire/pg/lsn.ts'
import { parseHistory, type Ancestor } from '#wire/pg/timeline-history.ts'
import {
  historyKey,
  historyPrefix,
  logKey,
  logPrefix,
  parseHistoryKey,
  parseLogKey,
  type LogPortion,
} from './log-keys.ts'
import type { LogIndex, Position } from './log-chain.ts'
import { readWhole, type ObjectStore } from './object-store.ts'
import { DamagedPiece, decodePiece, encodePiece } from './piece.ts'

/** What is in the archive cannot be used: `what` names the piece, for a person. */
export class BrokenArchive extends Error {
  override readonly name = 'BrokenArchive'
  readonly portion: LogPortion | undefined

  constructor(message: string, portion?: LogPortion, options?: ErrorOptions) {
    super(message, options)
    this.portion = portion
  }
}

export class LogArchive {
  private readonly store: ObjectStore
  readonly prefix: string

  /** `prefix` is the instance's own, for as long as any of its backups lives. */
  constructor(store: ObjectStore, prefix: string) {
    this.store = store
    this.prefix = prefix
  }

  /** Everything that is there, by the names alone; histories are read. Throws {@link BrokenArchive}. */
  async index(): Promise<LogIndex> {
    const portions: LogPortion[] = []
    for await (const { key } of this.store.list(logPrefix(this.prefix))) {
      const portion = parseLogKey(key)
      if (portion) portions.push(portion)
    }
    const histories = new Map<number, readonly Ancestor[]>()
    for await (const { key } of this.store.list(historyPrefix(this.prefix))) {
      const timeline = parseHistoryKey(key)
      if (timeline !== undefined) histories.set(timeline, parseHistory(await this.history(timeline)))
    }
    return { portions, histories }
  }

  /** Text of a timeline's history file. */
  async history(timeline: number): Promise<string> {
    const what = `the history of timeline ${timeline}`
    return (await this.read(historyKey(this.prefix, timeline), what)).content.toString()
  }

  async putHistory(timeline: number, text: string): Promise<void> {
    await this.store.put(historyKey(this.prefix, timeline), await encodePiece({ timeline }, Buffer.from(text)))
  }

  /** Durable when this resolves. May be put again. A portion lies in one segment. */
  async put(portion: LogPortion, bytes: Uint8Array): Promise<void> {
    assert(portion.end - portion.start === BigInt(bytes.length), 'a portion has as many bytes as its positions say')
    assert(segmentStart(portion.start) === segmentStart(portion.end - 1n), 'a portion lies in one segment')
    await this.store.put(logKey(this.prefix, portion), await encodePiece(factsOf(portion), bytes))
  }

  /** The bytes of a portion, verified, also when it was joined with others after it was listed. Throws {@link BrokenArchive}. */
  async get(portion: LogPortion): Promise<Buffer> {
    try {
      return await this.getAsListed(portion)
    } catch (error) {
      const joined = error instanceof BrokenArchive ? await this.joinedOver(portion) : undefined
      if (!joined) throw error
      const bytes = await this.getAsListed(joined)
      return bytes.subarray(Number(portion.start - joined.start), Number(portion.end - joined.start))
    }
  }

  /** Another portion that has all of this one. */
  private async joinedOver({ timeline, start, end }: LogPortion): Promise<LogPortion | undefined> {
    const { portions } = await this.index()
    return portions.find(
      (one) => one.timeline === timeline && one.start <= start && one.end >= end && one.end - one.start > end - start,
    )
  }

  private async getAsListed(portion: LogPortion): Promise<Buffer> {
    const what = describePortion(portion)
    const { facts, content } = await this.read(logKey(this.prefix, portion), what, portion)
    const isRight = JSON.stringify(facts) === JSON.stringify(factsOf(portion))
    if (!isRight || BigInt(content.length) !== portion.end - portion.start)
      throw new BrokenArchive(`${what} is damaged: it is another portion`, portion)
    return content
  }

  /**
   * Puts one portion in the place of several that follow each other in one segment. Killed in between, both are there,
   * and the next call for the segment removes what is left.
   */
  async join(portions: readonly LogPortion[]): Promise<void> {
    const [first, last] = [portions[0], portions.at(-1)]
    if (!first || !last || first === last) return
    const parts: Buffer[] = []
    let at = first.start
    for (const portion of portions) {
      if (portion.end <= at) continue
      assert(portion.start <= at, 'portions that are joined follow each other')
      parts.push((await this.get(portion)).subarray(Number(at - portion.start)))
      at = portion.end
    }
    const newestUs = Math.max(...portions.map((portion) => portion.newestUs))
    const joined = { timeline: first.timeline, start: first.start, end: at, newestUs }
    await this.put(joined, Buffer.concat(parts))
    const joinedKey = logKey(this.prefix, joined)
    await this.store.delete(portions.map((portion) => logKey(this.prefix, portion)).filter((key) => key !== joinedKey))
  }

  /**
   * Removes what no restore from `oldest` or later needs: whole segments before it, of its timeline and of those before.
   * Nothing is removed of later timelines.
   */
  async trim(oldest: Position): Promise<number> {
    const { portions } = await this.index()
    const limit = segmentStart(oldest.lsn)
    const old = portions.filter(({ timeline, end }) => timeline <= oldest.timeline && end <= limit)
    await this.store.delete(old.map((portion) => logKey(this.prefix, portion)))
    return old.length
  }

  private async read(key: string, what: string, portion?: LogPortion): Promise<{ facts: unknown; content: Buffer }> {
    const bytes = await readWhole(this.store, key)
    if (!bytes) throw new BrokenArchive(`${what} is missing`, portion)
    try {
      return await decodePiece(bytes)
    } catch (error) {
      if (error instanceof DamagedPiece)
        throw new BrokenArchive(`${what} is damaged: ${error.message}`, portion, { cause: error })
      throw error
    }
  }
}

const describePortion = ({ timeline, start, end }: LogPortion): string =>
  `the log of timeline ${timeline} from ${lsnText(start)} to ${lsnText(end)}`

function factsOf({ timeline, start, end, newestUs }: LogPortion): object {
  return { timeline, start: lsnText(start), end: lsnText(end), newestUs }
}
